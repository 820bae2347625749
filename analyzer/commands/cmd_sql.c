#include <ctype.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/str.h"
#include "../base/vec.h"
#include "../db/open.h"
#include "cmd.h"

struct sql_settings {
    const char *input;
    struct out_settings out;
};

static const struct option_spec options[] = {
    CMD_INPUT_OPTION(struct sql_settings, input),
    {"format", '\0', NULL, "how to print the result: raw numbers in all of them", "table",
     OPTION_CHOICE_AT(struct sql_settings, out.format),
     .choices = OPTION_WORDS("table", "json", "csv")},
    OUT_STYLE_OPTIONS(struct sql_settings, out),
    {0},
};

static const struct option_example examples[] = {
    {"allocaudit sql \"SELECT * FROM run\"", "ask ./allocaudit.db"},
    {"allocaudit sql app.db --format csv < query.sql", "read the query from a file"},
    {"allocaudit sql app.db", "open the sqlite3 shell, read-only"},
    {NULL, NULL},
};

static const char *const paragraphs[] = {
    "The first word is the recording if it ends in '.db' or holds a '/' (and is no text with "
    "blanks), "
    "else it is the query. Without a query it is read from stdin; on a terminal the sqlite3 shell "
    "is "
    "started instead. The recording is opened read-only in every case.",
    "schema/README.md describes the tables; the view 'allocation' has one row per allocation. "
    "Times "
    "are in ns, sizes in bytes.",
    NULL,
};

const struct option_page cmd_sql_page = {
    .command = "sql",
    .purpose = "query a recording with SQL, or open a shell on it",
    .usage = "[FILE] [QUERY] [options]",
    .examples = examples,
    .options = options,
    .paragraphs = paragraphs,
};

/* Names of result columns, which the document borrows until its end. */
struct name_list {
    char **items;
    size_t count;
    size_t capacity;
};

static void names_fini(struct name_list *names)
{
    for (size_t i = 0; i < names->count; i++) {
        free(names->items[i]);
    }
    free(names->items);
}

static bool names_have(const struct name_list *names, size_t first, const char *name)
{
    for (size_t i = first; i < names->count; i++) {
        if (strcmp(names->items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Adds `name`, or "name_2" and so on if it stands among those from `first` on: JSON keys differ. */
static int names_add(struct name_list *names, size_t first, const char *name)
{
    struct str unique = {0};
    int r = str_append(&unique, name);
    for (unsigned i = 2; r == 0 && names_have(names, first, unique.text); i++) {
        str_clear(&unique);
        r = str_printf(&unique, "%s_%u", name, i);
    }
    if (r == 0) {
        r = vec_reserve((void **)&names->items, &names->capacity, names->count + 1,
                        sizeof(*names->items));
    }
    if (r < 0) {
        str_fini(&unique);
        return r;
    }

    names->items[names->count] = unique.text;
    names->count++;
    return 0;
}

static void print_blob(struct out *out, const char *name, sqlite3_stmt *statement, int column)
{
    struct str hex = {0};
    const unsigned char *bytes = sqlite3_column_blob(statement, column);
    const int size_bytes = sqlite3_column_bytes(statement, column);
    int r = str_append(&hex, "x'");
    for (int i = 0; i < size_bytes && r == 0; i++) {
        r = str_printf(&hex, "%02x", bytes[i]);
    }
    if (r == 0) {
        r = str_append(&hex, "'");
    }
    out_text(out, name, name, r == 0 ? hex.text : NULL);
    str_fini(&hex);
}

static void print_cell(struct out *out, const char *name, sqlite3_stmt *statement, int column)
{
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        out_number(out, name, name, sqlite3_column_int64(statement, column));
        break;
    case SQLITE_FLOAT:
        out_real(out, name, name, sqlite3_column_double(statement, column), OUT_DECIMALS_NEEDED);
        break;
    case SQLITE_TEXT:
        out_text(out, name, name, (const char *)sqlite3_column_text(statement, column));
        break;
    case SQLITE_BLOB:
        print_blob(out, name, statement, column);
        break;
    default:
        out_null(out, name, name);
        break;
    }
}

/* What its author can mend is told as such; the rest is about the file. */
static int query_fail(struct db *db, int code, struct err *err)
{
    const int primary = code & 0xff;
    if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_NOMEM ||
        primary == SQLITE_IOERR || primary == SQLITE_BUSY) {
        return db_fail(db, code, err);
    }
    return err_set(err, EINVAL, "in the query: %s", sqlite3_errmsg(db_handle(db)));
}

/* Runs one prepared statement; its rows become a table under names->items[first]. */
static int print_rows(struct out *out, struct db *db, sqlite3_stmt *statement,
                      const struct name_list *names, size_t first, struct err *err)
{
    const int column_count = sqlite3_column_count(statement);
    const char *const *labels = (const char *const *)names->items + first + 1;
    out_begin_table(out, names->items[first], NULL);
    for (int i = 0; i < column_count; i++) {
        out_column(out, labels[i], labels[i]);
    }
    int code = SQLITE_ROW;
    while (!out_has_failed(out) && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        out_begin_row(out);
        for (int i = 0; i < column_count; i++) {
            print_cell(out, labels[i], statement, i);
        }
        out_end_row(out);
    }
    out_end_table(out);
    return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : query_fail(db, code, err);
}

/* Prepares the names of the result: "rows" for the table, then its columns. */
static int take_names(sqlite3_stmt *statement, unsigned result_number, struct name_list *names,
                      struct err *err)
{
    char key[32] = "rows";
    if (result_number > 1) {
        snprintf(key, sizeof(key), "rows_%u", result_number);
    }
    const size_t first = names->count + 1;
    int r = names_add(names, names->count, key);
    for (int i = 0; i < sqlite3_column_count(statement) && r == 0; i++) {
        const char *name = sqlite3_column_name(statement, i);
        r = name != NULL ? names_add(names, first, name) : -ENOMEM;
    }
    return r < 0 ? err_set(err, -r, "out of memory") : 0;
}

/* Runs all statements of the query. Returns the number of results, or a negative errno. */
static int run_query(struct out *out, struct db *db, const char *query, struct name_list *names,
                     struct err *err)
{
    unsigned result_count = 0;
    unsigned statement_count = 0;
    int r = 0;
    while (*query != '\0' && r == 0) {
        sqlite3_stmt *statement = NULL;
        int code = sqlite3_prepare_v2(db_handle(db), query, -1, &statement, &query);
        if (code != SQLITE_OK) {
            return query_fail(db, code, err);
        }
        statement_count += statement != NULL;
        if (statement != NULL && sqlite3_column_count(statement) > 0) {
            const size_t first = names->count;
            result_count++;
            r = take_names(statement, result_count, names, err);
            if (r == 0) {
                r = print_rows(out, db, statement, names, first, err);
            }
        } else if (statement != NULL) {
            code = sqlite3_step(statement);
            r = code == SQLITE_DONE ? 0 : query_fail(db, code, err);
        }
        sqlite3_finalize(statement);
    }
    return r < 0 ? r : (int)statement_count;
}

static int answer(const struct sql_settings *settings, struct db *db, const char *query)
{
    struct err err;
    struct out *out = NULL;
    struct name_list names = {0};
    int r = out_create("sql", &settings->out, stdout, &out, &err);
    if (r < 0) {
        return cmd_fail(&err);
    }

    int status = CMD_DONE;
    r = run_query(out, db, query, &names, &err);
    if (r < 0) {
        out_destroy(out);
        fflush(stdout);
        status = cmd_fail(&err);
    } else if (r == 0) {
        out_destroy(out);
        status = cmd_misuse(&cmd_sql_page, "the query is empty");
    } else {
        status = cmd_finish(out, CMD_DONE);
    }
    names_fini(&names);
    return status;
}

static int read_all(FILE *stream, struct str *text, struct err *err)
{
    char piece[4096];
    size_t size_bytes = 0;
    while ((size_bytes = fread(piece, 1, sizeof(piece), stream)) > 0) {
        int r = str_append_bytes(text, piece, size_bytes);
        if (r < 0) {
            return err_set(err, -r, "out of memory");
        }
    }
    return ferror(stream) ? err_set_errno(err, errno, "cannot read the query from stdin") : 0;
}

/* Becomes the sqlite3 shell; returns only if that fails. */
static int start_shell(const char *path)
{
    struct str file = {0};
    struct err err;
    if (str_printf(&file, "%s%s", path[0] == '-' ? "./" : "", path) < 0) {
        err_set(&err, ENOMEM, "out of memory");
        return cmd_fail(&err);
    }

    execlp("sqlite3", "sqlite3", "-readonly", "-header", "-column", file.text, (char *)NULL);
    if (errno == ENOENT) {
        err_set(&err, ENOENT,
                "no sqlite3 shell here: install it (Debian: apt install sqlite3), or give a query");
    } else {
        err_set_errno(&err, errno, "cannot start the sqlite3 shell");
    }
    str_fini(&file);
    return cmd_fail(&err);
}

/* Queries hold slashes too ("SELECT 1 / 2"): a text with blanks is a file only if it is there. */
static bool is_file(const char *word)
{
    return options_is_file_name(word) &&
           (strpbrk(word, " \t\n;") == NULL || access(word, F_OK) == 0);
}

static int answer_or_shell(const struct sql_settings *settings, const char *path, const char *query)
{
    struct err err;
    struct db *db = NULL;
    struct str text = {0};
    int r = db_open(path, &db, &err);
    if (r < 0) {
        return cmd_fail(&err);
    }

    int status = CMD_DONE;
    if (query == NULL && isatty(STDIN_FILENO)) {
        db_close(db);
        return start_shell(path);
    }
    if (query == NULL) {
        r = read_all(stdin, &text, &err);
        query = str_text(&text);
    }
    status = r < 0 ? cmd_fail(&err) : answer(settings, db, query);
    str_fini(&text);
    db_close(db);
    return status;
}

int cmd_sql(int argc, char **argv)
{
    struct sql_settings settings = {0};
    struct option_arguments arguments;
    int status = CMD_DONE;
    if (!cmd_begin(&cmd_sql_page, argc, argv, &settings, &arguments, &status)) {
        return status;
    }

    const char *path = CMD_DEFAULT_FILE;
    if (settings.input != NULL || (arguments.count > 0 && is_file(arguments.words[0]))) {
        path = cmd_take_file(settings.input, &arguments);
    }
    if (arguments.count > 1) {
        return cmd_misuse(&cmd_sql_page, "unexpected '%s': a query is one word, in quotes",
                          arguments.words[1]);
    }
    return answer_or_shell(&settings, path, arguments.count > 0 ? arguments.words[0] : NULL);
}

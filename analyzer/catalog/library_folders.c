#include "library_folders.h"

#include <errno.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../base/vec.h"

enum {
    CONF_DEPTH_MAX = 4, /* a file that includes itself comes to an end */
};

static const char blanks[] = " \t\r\n";

/* Where / is merged with /usr, people know the folders of /lib as those of /usr/lib. */
static bool is_lib_merged(void)
{
    struct stat status;
    return lstat("/lib", &status) == 0 && S_ISLNK(status.st_mode);
}

static int folders_add(struct library_folders *folders, const char *folder, size_t size_bytes)
{
    const bool is_moved = strncmp(folder, "/lib", 4) == 0 && is_lib_merged();
    int r = vec_reserve((void **)&folders->items, &folders->capacity, folders->count + 1,
                        sizeof(*folders->items));
    if (r < 0) {
        return r;
    }

    char *copy = NULL;
    if (asprintf(&copy, "%s%.*s", is_moved ? "/usr" : "", (int)size_bytes, folder) < 0) {
        return -ENOMEM;
    }
    folders->items[folders->count] = copy;
    folders->count++;
    return 0;
}

static int read_conf(struct library_folders *folders, const char *conf, unsigned depth);

/* "include PATTERN": relative to the folder of the file that says so. */
static int read_included(struct library_folders *folders, const char *conf, const char *pattern,
                         unsigned depth)
{
    char whole[PATH_MAX];
    char folder[PATH_MAX];
    snprintf(folder, sizeof(folder), "%s", conf);
    const int length = pattern[0] == '/'
                           ? snprintf(whole, sizeof(whole), "%s", pattern)
                           : snprintf(whole, sizeof(whole), "%s/%s", dirname(folder), pattern);
    glob_t found;
    if (length >= (int)sizeof(whole) || glob(whole, 0, NULL, &found) != 0) {
        return 0;
    }

    int r = 0;
    for (size_t i = 0; i < found.gl_pathc && r == 0; i++) {
        r = read_conf(folders, found.gl_pathv[i], depth + 1);
    }
    globfree(&found);
    return r;
}

static int read_line(struct library_folders *folders, const char *conf, char *line, unsigned depth)
{
    line[strcspn(line, "#")] = '\0';
    line += strspn(line, blanks);
    size_t length = strlen(line);
    while (length > 0 && strchr(blanks, line[length - 1]) != NULL) {
        length--;
    }
    line[length] = '\0';
    if (strncmp(line, "include", 7) == 0 && line[7] != '\0' && strchr(blanks, line[7]) != NULL) {
        return read_included(folders, conf, line + 7 + strspn(line + 7, blanks), depth);
    }
    return line[0] == '/' ? folders_add(folders, line, length) : 0;
}

static int read_conf(struct library_folders *folders, const char *conf, unsigned depth)
{
    FILE *file = depth < CONF_DEPTH_MAX ? fopen(conf, "re") : NULL;
    if (file == NULL) {
        return 0;
    }

    int r = 0;
    char *line = NULL;
    size_t capacity = 0;
    while (r == 0 && getline(&line, &capacity, file) >= 0) {
        r = read_line(folders, conf, line, depth);
    }
    free(line);
    fclose(file);
    return r;
}

int library_folders_read(struct library_folders *folders, const char *conf)
{
    static const char *const built_in[] = {
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/usr/lib64",
        "/usr/lib",
        "/usr/local/lib64",
        "/usr/local/lib",
    };
    int r = 0;
    const char *list = getenv("LD_LIBRARY_PATH");
    while (list != NULL && *list != '\0' && r == 0) {
        const size_t length = strcspn(list, ":;");
        r = length > 0 ? folders_add(folders, list, length) : 0;
        list += length + (list[length] != '\0');
    }
    if (r == 0) {
        r = read_conf(folders, conf, 0);
    }
    for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]) && r == 0; i++) {
        r = folders_add(folders, built_in[i], strlen(built_in[i]));
    }
    return r;
}

bool library_folders_find(const struct library_folders *folders, const char *file,
                          bool (*is_wanted)(const char *path), char *path, size_t size_bytes)
{
    for (size_t i = 0; i < folders->count; i++) {
        const int length = snprintf(path, size_bytes, "%s/%s", folders->items[i], file);
        if (length > 0 && (size_t)length < size_bytes && is_wanted(path)) {
            return true;
        }
    }
    return false;
}

void library_folders_fini(struct library_folders *folders)
{
    for (size_t i = 0; i < folders->count; i++) {
        free(folders->items[i]);
    }
    free(folders->items);
    *folders = (struct library_folders){0};
}

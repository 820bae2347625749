#include "gc_sieve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/vec.h"

enum {
    NO_LINE = -1,
    SURE_PIECES = 5,          /* so many, and it is the runtime's: "gc ", "3", " @", "0.5", "s " */
    FIRST_BYTES = 3,          /* of the runtime's first piece of a line: "gc " ... */
    SCAVENGE_FIRST_BYTES = 5, /* ... or "scav " */
};

/* What a whole line says. */
struct told {
    bool is_scavenge;
    struct gc_cycle cycle;
    struct scavenge scavenge;
};

static bool is_scavenge_line(const struct gc_sieve_line *line)
{
    return line->text[0] == 's';
}

/* The lines that the user does not want to see. */
static unsigned find_hidden_lines(const struct gc_sieve *sieve)
{
    unsigned hidden = 0;
    for (int i = 0; i < sieve->line_count; i++) {
        bool is_shown =
            is_scavenge_line(&sieve->lines[i]) ? sieve->passes_scavenges : sieve->passes_lines;
        hidden |= is_shown ? 0 : 1u << i;
    }
    return hidden;
}

bool gc_sieve_is_holding(const struct gc_sieve *sieve)
{
    return sieve->piece_count > 0;
}

/* Passes what is held back but for the pieces of some lines, and holds nothing any more. */
static void let_go(struct gc_sieve *sieve, unsigned without_lines)
{
    const char *at = str_text(&sieve->held);
    const char *passed = at;
    for (size_t i = 0; i < sieve->piece_count; i++) {
        const struct gc_sieve_piece *piece = &sieve->pieces[i];
        if ((piece->lines & without_lines) != 0) {
            if (at > passed) {
                sieve->pass(sieve->context, passed, (size_t)(at - passed));
            }
            passed = at + piece->size_bytes;
        }
        at += piece->size_bytes;
    }
    if (at > passed) {
        sieve->pass(sieve->context, passed, (size_t)(at - passed));
    }
    str_clear(&sieve->held);
    sieve->piece_count = 0;
    sieve->line_count = 0;
}

void gc_sieve_flush(struct gc_sieve *sieve)
{
    for (int i = 0; i < sieve->line_count; i++) {
        const struct gc_sieve_line *line = &sieve->lines[i];
        bool is_forgotten = line->size_bytes == sizeof(line->text);
        sieve->unread_count += !is_forgotten && gctrace_has_begun(line->text, line->size_bytes);
    }
    let_go(sieve, 0);
}

/* Passes what came before everything that may still become a line. */
static void pass_front(struct gc_sieve *sieve)
{
    size_t count = 0;
    size_t size_bytes = 0;
    while (count < sieve->piece_count && sieve->pieces[count].lines == 0) {
        size_bytes += sieve->pieces[count++].size_bytes;
    }
    if (count == sieve->piece_count) {
        let_go(sieve, 0);
    } else if (count > 0) {
        struct str *held = &sieve->held;
        sieve->pass(sieve->context, held->text, size_bytes);
        held->size_bytes -= size_bytes;
        memmove(held->text, held->text + size_bytes, held->size_bytes + 1);
        sieve->piece_count -= count;
        memmove(sieve->pieces, sieve->pieces + count, sieve->piece_count * sizeof(*sieve->pieces));
    }
}

/* It is no beginning any more: nothing matches a line that is too long already. */
static void forget_line(struct gc_sieve *sieve, int line)
{
    for (size_t i = 0; i < sieve->piece_count; i++) {
        sieve->pieces[i].lines &= ~(1u << line);
    }
    sieve->lines[line].size_bytes = sizeof(sieve->lines[line].text);
}

void gc_sieve_age(struct gc_sieve *sieve)
{
    for (int i = 0; i < sieve->line_count; i++) {
        const struct gc_sieve_line *line = &sieve->lines[i];
        if (line->number < sieve->old_count && line->size_bytes < sizeof(line->text)) {
            sieve->unread_count += gctrace_has_begun(line->text, line->size_bytes);
            forget_line(sieve, i);
        }
    }
    sieve->old_count = sieve->begun_count;
    pass_front(sieve);
}

/* Pieces that can belong to no other line. */
static size_t count_own_pieces(const struct gc_sieve *sieve, int line)
{
    size_t count = 0;
    for (size_t i = 0; i < sieve->piece_count; i++) {
        count += sieve->pieces[i].lines == 1u << line;
    }
    return count;
}

/* Lines of so many pieces as the runtime writes them: where they end, their program has ended. */
static unsigned find_cut_lines(const struct gc_sieve *sieve, size_t least_pieces)
{
    unsigned found = 0;
    for (int i = 0; i < sieve->line_count; i++) {
        const struct gc_sieve_line *line = &sieve->lines[i];
        size_t first_bytes = is_scavenge_line(line) ? SCAVENGE_FIRST_BYTES : FIRST_BYTES;
        bool is_whole_write = line->first_bytes == first_bytes || !sieve->keeps_writes;
        bool is_one = is_whole_write && line->first_bytes >= first_bytes &&
                      count_own_pieces(sieve, i) >= least_pieces;
        found |= is_one && line->size_bytes < sizeof(line->text) ? 1u << i : 0;
    }
    return found;
}

void gc_sieve_finish(struct gc_sieve *sieve)
{
    unsigned last = gc_sieve_is_holding(sieve) ? sieve->pieces[sieve->piece_count - 1].lines : 0;
    unsigned cut = find_cut_lines(sieve, 2) | (find_cut_lines(sieve, 1) & last);
    let_go(sieve, cut & find_hidden_lines(sieve));
}

/* What a line becomes with the piece behind it; `line` NULL: what begins with the piece. */
static enum gctrace_match match_behind(const struct gc_sieve_line *line, const char *piece,
                                       size_t size_bytes, struct told *told)
{
    char text[GCTRACE_LINE_BYTES];
    size_t held = line != NULL ? line->size_bytes : 0;
    if (held + size_bytes > sizeof(text)) {
        return GCTRACE_NONE;
    }
    if (held > 0) {
        memcpy(text, line->text, held);
    }
    memcpy(text + held, piece, size_bytes);
    enum gctrace_match match = gctrace_match(text, held + size_bytes, &told->cycle);
    told->is_scavenge = match == GCTRACE_NONE;
    return told->is_scavenge ? scavtrace_match(text, held + size_bytes, &told->scavenge) : match;
}

bool gc_sieve_ends_with(const struct gc_sieve *sieve, const char *piece, size_t size_bytes)
{
    struct told told;
    for (int i = 0; i < sieve->line_count; i++) {
        if (match_behind(&sieve->lines[i], piece, size_bytes, &told) == GCTRACE_COMPLETE) {
            return true;
        }
    }
    return false;
}

/* The runtime writes a number at once: what goes on with digits behind one is somebody else's. */
static bool cuts_number(const struct gc_sieve *sieve, const struct gc_sieve_line *line,
                        const char *piece)
{
    return sieve->keeps_writes && strchr("0123456789", line->text[line->size_bytes - 1]) != NULL &&
           strchr("0123456789.", piece[0]) != NULL;
}

/* Where there are too many, the oldest is no beginning any more. */
static int begin_line(struct gc_sieve *sieve, size_t first_bytes)
{
    int line = 0;
    if (sieve->line_count < GC_SIEVE_LINES_MAX) {
        line = sieve->line_count++;
    } else {
        for (int i = 1; i < GC_SIEVE_LINES_MAX; i++) {
            line = sieve->lines[i].number < sieve->lines[line].number ? i : line;
        }
        forget_line(sieve, line);
    }
    sieve->lines[line].size_bytes = 0;
    sieve->lines[line].first_bytes = first_bytes;
    sieve->lines[line].number = sieve->begun_count++;
    return line;
}

/* The beginnings that the piece may belong to, a new one included. *out_complete is one that it
 * makes a whole line, with what that says; NO_LINE: none. */
static unsigned find_lines(struct gc_sieve *sieve, const char *piece, size_t size_bytes,
                           struct told *told, int *out_complete)
{
    unsigned found = 0;
    *out_complete = NO_LINE;
    for (int i = 0; i < sieve->line_count; i++) {
        struct told read;
        const struct gc_sieve_line *line = &sieve->lines[i];
        enum gctrace_match match = cuts_number(sieve, line, piece)
                                       ? GCTRACE_NONE
                                       : match_behind(line, piece, size_bytes, &read);
        found |= match != GCTRACE_NONE ? 1u << i : 0;
        if (match == GCTRACE_COMPLETE &&
            (*out_complete == NO_LINE || line->number > sieve->lines[*out_complete].number)) {
            *out_complete = i;
            *told = read;
        }
    }
    bool may_begin = found == 0 && (size_bytes >= FIRST_BYTES || !sieve->keeps_writes);
    enum gctrace_match match =
        may_begin ? match_behind(NULL, piece, size_bytes, told) : GCTRACE_NONE;
    if (match != GCTRACE_NONE) {
        int line = begin_line(sieve, size_bytes);
        *out_complete = match == GCTRACE_COMPLETE ? line : NO_LINE;
        found = 1u << line;
    }
    return found;
}

static int hold(struct gc_sieve *sieve, unsigned lines, const char *piece, size_t size_bytes)
{
    int r = vec_reserve((void **)&sieve->pieces, &sieve->piece_capacity, sieve->piece_count + 1,
                        sizeof(*sieve->pieces));
    if (r == 0) {
        r = str_append_bytes(&sieve->held, piece, size_bytes);
    }
    if (r < 0) {
        let_go(sieve, 0);
        sieve->pass(sieve->context, piece, size_bytes);
        return r;
    }
    sieve->pieces[sieve->piece_count++] = (struct gc_sieve_piece){size_bytes, lines};
    for (int i = 0; i < sieve->line_count; i++) {
        struct gc_sieve_line *line = &sieve->lines[i];
        if ((lines >> i & 1) != 0) {
            memcpy(line->text + line->size_bytes, piece, size_bytes);
            line->size_bytes += size_bytes;
        }
    }
    return 0;
}

static int feed_piece(struct gc_sieve *sieve, const char *piece, size_t size_bytes)
{
    struct told told = {0};
    int complete;
    unsigned lines = find_lines(sieve, piece, size_bytes, &told, &complete);
    if (lines == 0 && !gc_sieve_is_holding(sieve)) {
        sieve->unread_count += gctrace_has_begun(piece, size_bytes);
        sieve->pass(sieve->context, piece, size_bytes);
        return 0;
    }
    int r = hold(sieve, lines, piece, size_bytes);
    if (r == 0 && complete != NO_LINE) {
        if (told.is_scavenge) {
            sieve->take_scavenge(sieve->context, &told.scavenge);
        } else {
            sieve->take_cycle(sieve->context, &told.cycle);
        }
        unsigned gone = 1u << complete | find_cut_lines(sieve, SURE_PIECES);
        let_go(sieve, gone & find_hidden_lines(sieve));
    } else if (r == 0 && sieve->held.size_bytes > GC_SIEVE_HELD_MAX) {
        gc_sieve_flush(sieve);
    }
    return r;
}

/* Where writes have run together: how much of the bytes can be the next part of a line. */
static size_t find_part(const struct gc_sieve *sieve, const char *bytes, size_t size_bytes)
{
    struct told told;
    size_t length = size_bytes < GCTRACE_LINE_BYTES ? size_bytes : GCTRACE_LINE_BYTES;
    for (; length > 0; length--) {
        for (int i = 0; i < sieve->line_count; i++) {
            if (match_behind(&sieve->lines[i], bytes, length, &told) != GCTRACE_NONE) {
                return length;
            }
        }
        bool is_enough = length >= FIRST_BYTES || length == size_bytes;
        if (is_enough && match_behind(NULL, bytes, length, &told) != GCTRACE_NONE) {
            return length;
        }
    }
    return size_bytes;
}

int gc_sieve_feed(struct gc_sieve *sieve, const char *bytes, size_t size_bytes)
{
    int result = 0;
    while (size_bytes > 0) {
        const char *line_end = memchr(bytes, '\n', size_bytes);
        size_t length = line_end != NULL ? (size_t)(line_end - bytes) + 1 : size_bytes;
        bool may_begin = bytes[0] == 'g' || bytes[0] == 's';
        if (!sieve->keeps_writes && (gc_sieve_is_holding(sieve) || may_begin)) {
            length = find_part(sieve, bytes, length);
        }
        int r = feed_piece(sieve, bytes, length);
        result = r < 0 ? r : result;
        bytes += length;
        size_bytes -= length;
    }
    return result;
}

void gc_sieve_fini(struct gc_sieve *sieve)
{
    str_fini(&sieve->held);
    free(sieve->pieces);
    sieve->pieces = NULL;
}

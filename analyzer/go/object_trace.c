#include "object_trace.h"

#include <string.h>

/* What is to come next, each named by what has just come. */
enum state {
    OUTSIDE,
    ALLOC_OPENED,
    ALLOC_ADDRESS,
    ALLOC_COMMA,
    ALLOC_SIZE,
    ALLOC_TYPE_COMMA,
    ALLOC_TYPE,
    FREE_OPENED,
    FREE_ADDRESS,
    FREE_COMMA,
    FREE_SIZE,
    LINE_START,
    GOROUTINE,
    GOROUTINE_NUMBER,
    GOROUTINE_POINTER,
    GOROUTINE_MACHINE,
    GOROUTINE_BRACKET,
    GOROUTINE_STATUS,
    GOROUTINE_COMMA,
    GOROUTINE_MINUTES,
    ANCESTOR,
    ANCESTOR_NUMBER,
    FUNCTION,
    ARGUMENTS,
    CREATED_BY,
    CREATOR,
    CREATOR_IN,
    CREATOR_NUMBER,
    PLACE,
    PLACE_FILE,
    PLACE_COLON,
    PLACE_LINE,
    PLACE_PLUS,
    PLACE_OFFSET,
    PLACE_FP,
    PLACE_FP_VALUE,
    PLACE_SP,
    PLACE_SP_VALUE,
    PLACE_PC,
    PLACE_END,
    GC_ENDED,
};

enum kind {
    KIND_ALLOC,
    KIND_FREE,
    KIND_GC,
};

/* Pieces that are no fixed words. */
enum token {
    TOKEN_WORDS,
    TOKEN_HEX,    /* 0xc000079860 */
    TOKEN_NUMBER, /* 27 */
    TOKEN_TEXT,   /* a type, a status */
    TOKEN_NAME,   /* of a function */
    TOKEN_FILE,
};

struct object_step {
    enum state from;
    enum token token;
    const char *words; /* of TOKEN_WORDS */
    enum state to;
};

#define WORDS(from, words, to)                                                                     \
    {                                                                                              \
        from, TOKEN_WORDS, words, to                                                               \
    }

/* As Go 1.19 writes it; what later versions add is marked. Of one state, the first that fits. */
static const struct object_step steps[] = {
    {ALLOC_OPENED, TOKEN_HEX, NULL, ALLOC_ADDRESS},
    WORDS(ALLOC_ADDRESS, ", ", ALLOC_COMMA),
    {ALLOC_COMMA, TOKEN_HEX, NULL, ALLOC_SIZE},
    WORDS(ALLOC_SIZE, ", ", ALLOC_TYPE_COMMA),
    WORDS(ALLOC_SIZE, ")\n", LINE_START),
    {ALLOC_TYPE_COMMA, TOKEN_TEXT, NULL, ALLOC_TYPE},
    WORDS(ALLOC_TYPE, ")\n", LINE_START),
    {FREE_OPENED, TOKEN_HEX, NULL, FREE_ADDRESS},
    WORDS(FREE_ADDRESS, ", ", FREE_COMMA),
    {FREE_COMMA, TOKEN_HEX, NULL, FREE_SIZE},
    WORDS(FREE_SIZE, ")\n", LINE_START),
    WORDS(LINE_START, "goroutine ", GOROUTINE),
    WORDS(LINE_START, "\t", PLACE),
    WORDS(LINE_START, "created by ", CREATED_BY),
    WORDS(LINE_START, "[originating from goroutine ", ANCESTOR),
    WORDS(LINE_START, "...additional frames elided...\n", LINE_START),
    WORDS(LINE_START, "\tgoroutine running on other thread; stack unavailable\n", LINE_START),
    WORDS(LINE_START, "end tracegc\n", GC_ENDED),
    WORDS(LINE_START, "\n", OUTSIDE),
    {LINE_START, TOKEN_NAME, NULL, FUNCTION},
    {GOROUTINE, TOKEN_NUMBER, NULL, GOROUTINE_NUMBER},
    WORDS(GOROUTINE_NUMBER, " [", GOROUTINE_BRACKET),
    WORDS(GOROUTINE_NUMBER, " gp=", GOROUTINE_POINTER), /* Go 1.22: " gp=0x... m=0 mp=0x..." */
    WORDS(GOROUTINE_NUMBER, " mp=", GOROUTINE_POINTER),
    WORDS(GOROUTINE_NUMBER, " m=", GOROUTINE_MACHINE),
    WORDS(GOROUTINE_NUMBER, " m=nil", GOROUTINE_NUMBER),
    {GOROUTINE_POINTER, TOKEN_HEX, NULL, GOROUTINE_NUMBER},
    {GOROUTINE_MACHINE, TOKEN_NUMBER, NULL, GOROUTINE_NUMBER},
    {GOROUTINE_BRACKET, TOKEN_TEXT, NULL, GOROUTINE_STATUS},
    WORDS(GOROUTINE_STATUS, "]:\n", LINE_START),
    WORDS(GOROUTINE_STATUS, " (scan)", GOROUTINE_STATUS),
    WORDS(GOROUTINE_STATUS, ", locked to thread", GOROUTINE_STATUS),
    WORDS(GOROUTINE_STATUS, ", ", GOROUTINE_COMMA),
    {GOROUTINE_COMMA, TOKEN_NUMBER, NULL, GOROUTINE_MINUTES},
    WORDS(GOROUTINE_MINUTES, " minutes", GOROUTINE_STATUS),
    {ANCESTOR, TOKEN_NUMBER, NULL, ANCESTOR_NUMBER},
    WORDS(ANCESTOR_NUMBER, "]:\n", LINE_START),
    WORDS(FUNCTION, "(", ARGUMENTS),
    WORDS(FUNCTION, "(...)\n", LINE_START),
    {ARGUMENTS, TOKEN_HEX, NULL, ARGUMENTS},
    WORDS(ARGUMENTS, ")\n", LINE_START),
    WORDS(ARGUMENTS, ", ", ARGUMENTS),
    WORDS(ARGUMENTS, "?", ARGUMENTS),
    WORDS(ARGUMENTS, "{", ARGUMENTS),
    WORDS(ARGUMENTS, "}", ARGUMENTS),
    WORDS(ARGUMENTS, "...", ARGUMENTS),
    WORDS(ARGUMENTS, "_", ARGUMENTS),
    {CREATED_BY, TOKEN_NAME, NULL, CREATOR},
    WORDS(CREATOR, "\n", LINE_START),
    WORDS(CREATOR, " in goroutine ", CREATOR_IN), /* Go 1.21 */
    {CREATOR_IN, TOKEN_NUMBER, NULL, CREATOR_NUMBER},
    WORDS(CREATOR_NUMBER, "\n", LINE_START),
    {PLACE, TOKEN_FILE, NULL, PLACE_FILE},
    WORDS(PLACE_FILE, ":", PLACE_COLON),
    {PLACE_COLON, TOKEN_NUMBER, NULL, PLACE_LINE},
    WORDS(PLACE_LINE, "\n", LINE_START),
    WORDS(PLACE_LINE, " +", PLACE_PLUS),
    WORDS(PLACE_LINE, " fp=", PLACE_FP),
    {PLACE_PLUS, TOKEN_HEX, NULL, PLACE_OFFSET},
    WORDS(PLACE_OFFSET, "\n", LINE_START),
    WORDS(PLACE_OFFSET, " fp=", PLACE_FP),
    {PLACE_FP, TOKEN_HEX, NULL, PLACE_FP_VALUE},
    WORDS(PLACE_FP_VALUE, " sp=", PLACE_SP),
    {PLACE_SP, TOKEN_HEX, NULL, PLACE_SP_VALUE},
    WORDS(PLACE_SP_VALUE, " pc=", PLACE_PC),
    {PLACE_PC, TOKEN_HEX, NULL, PLACE_END},
    WORDS(PLACE_END, "\n", LINE_START),
    WORDS(GC_ENDED, "\n", OUTSIDE),
};

/* How a record begins, wherever the one before it stopped. */
static const struct object_beginning {
    const char *words;
    enum kind kind;
    enum state to;
} beginnings[] = {
    {"tracealloc(", KIND_ALLOC, ALLOC_OPENED},
    {"tracefree(", KIND_FREE, FREE_OPENED},
    {"tracegc()\n", KIND_GC, LINE_START},
};

static bool is_words(const char *words, const char *piece, size_t size_bytes)
{
    return strlen(words) == size_bytes && memcmp(words, piece, size_bytes) == 0;
}

static bool is_all(const char *piece, size_t size_bytes, const char *of)
{
    size_t count = 0;
    while (count < size_bytes && piece[count] != '\0' && strchr(of, piece[count]) != NULL) {
        count++;
    }
    return count == size_bytes && count > 0;
}

static bool is_hex(const char *piece, size_t size_bytes, uint64_t *out_value)
{
    static const char digits[] = "0123456789abcdef";
    if (size_bytes > 2 + 16 || size_bytes < 3 || memcmp(piece, "0x", 2) != 0 ||
        !is_all(piece + 2, size_bytes - 2, digits)) {
        return false;
    }
    *out_value = 0;
    for (size_t i = 2; i < size_bytes; i++) {
        *out_value = *out_value << 4 | (uint64_t)(strchr(digits, piece[i]) - digits);
    }
    return true;
}

/* No control characters, and no space at an end: what a program writes piece by piece has those. */
static bool is_text(const char *piece, size_t size_bytes)
{
    if (size_bytes == 0 || piece[0] == ' ' || piece[size_bytes - 1] == ' ') {
        return false;
    }
    for (size_t i = 0; i < size_bytes; i++) {
        if ((unsigned char)piece[i] < ' ') {
            return false;
        }
    }
    return true;
}

/* "main.(*T).f", "main.f[...]", "_cgoexp_1"; neither a number nor a part of a gctrace line. */
static bool is_name(const char *piece, size_t size_bytes)
{
    unsigned char first = size_bytes > 0 ? (unsigned char)piece[0] : '0';
    bool is_letter = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') ||
                     first == '_' || first >= 0x80;
    return is_letter && is_text(piece, size_bytes) &&
           (memchr(piece, ' ', size_bytes) == NULL || memchr(piece, '.', size_bytes) != NULL);
}

static bool is_token(enum token token, const char *piece, size_t size_bytes, uint64_t *out_value)
{
    switch (token) {
    case TOKEN_HEX:
        return is_hex(piece, size_bytes, out_value);
    case TOKEN_NUMBER:
        return is_all(piece, size_bytes, "0123456789");
    case TOKEN_NAME:
        return is_name(piece, size_bytes);
    case TOKEN_FILE:
        return is_text(piece, size_bytes) &&
               (memchr(piece, '.', size_bytes) != NULL || piece[0] == '<' || piece[0] == '?');
    default:
        return is_text(piece, size_bytes);
    }
}

static const struct object_step *find_step(enum state state, const char *piece, size_t size_bytes,
                                           uint64_t *out_value)
{
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        const struct object_step *step = &steps[i];
        if (step->from == state &&
            (step->token == TOKEN_WORDS ? is_words(step->words, piece, size_bytes)
                                        : is_token(step->token, piece, size_bytes, out_value))) {
            return step;
        }
    }
    return NULL;
}

static bool begin(struct object_trace *trace, const char *piece, size_t size_bytes)
{
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        if (is_words(beginnings[i].words, piece, size_bytes)) {
            trace->damaged_count += trace->state != OUTSIDE;
            trace->state = beginnings[i].to;
            trace->kind = beginnings[i].kind;
            trace->object.is_freed = trace->kind == KIND_FREE;
            trace->object.frame_count = 0;
            return true;
        }
    }
    return false;
}

static void take_value(struct object_trace *trace, uint64_t value)
{
    struct traced_object *object = &trace->object;
    if (trace->state == ALLOC_ADDRESS || trace->state == FREE_ADDRESS) {
        object->address = value;
    } else if (trace->state == ALLOC_SIZE || trace->state == FREE_SIZE) {
        object->size_bytes = value;
    } else if (trace->state == PLACE_END && trace->kind == KIND_ALLOC &&
               object->frame_count < OBJECT_TRACE_FRAMES) {
        object->frames[object->frame_count++] = value;
    }
}

/* The innermost frame is runtime.mallocgc itself, where it tells. */
static void drop_teller(struct traced_object *object)
{
    if (object->frame_count > 0) {
        object->frame_count--;
        memmove(object->frames, object->frames + 1,
                object->frame_count * sizeof(object->frames[0]));
    }
}

enum object_trace_part object_trace_feed(struct object_trace *trace, const char *piece,
                                         size_t size_bytes)
{
    uint64_t value = 0;
    if (begin(trace, piece, size_bytes)) {
        return OBJECT_TRACE_TAKEN;
    }
    const struct object_step *step = find_step((enum state)trace->state, piece, size_bytes, &value);
    if (step == NULL) {
        return OBJECT_TRACE_FOREIGN;
    }
    bool is_gap = trace->kind == KIND_GC && step->from == LINE_START && step->to == OUTSIDE;
    trace->state = is_gap ? LINE_START : step->to; /* between the goroutines of tracegc() */
    if (step->token == TOKEN_HEX) {
        take_value(trace, value);
    }
    if (trace->state != OUTSIDE || trace->kind == KIND_GC) {
        return OBJECT_TRACE_TAKEN;
    }
    drop_teller(&trace->object);
    return OBJECT_TRACE_COMPLETE;
}

void object_trace_finish(struct object_trace *trace)
{
    trace->damaged_count += trace->state != OUTSIDE;
    trace->state = OUTSIDE;
}

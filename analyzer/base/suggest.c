#include "suggest.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

enum {
    WORD_MAX = 63,
};

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

unsigned suggest_distance(const char *a, const char *b)
{
    const size_t a_length = strnlen(a, WORD_MAX + 1);
    const size_t b_length = strnlen(b, WORD_MAX + 1);
    if (a_length > WORD_MAX || b_length > WORD_MAX) {
        return UINT_MAX;
    }

    /* Three rows of the table of distances between all beginnings: a swap looks two rows back. */
    unsigned rows[3][WORD_MAX + 1] = {{0}};
    for (unsigned j = 0; j <= b_length; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3];
        const unsigned *two_above = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            const unsigned replaced = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least(above[j] + 1, row[j - 1] + 1, replaced);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                two_above[j - 2] + 1 < row[j]) {
                row[j] = two_above[j - 2] + 1;
            }
        }
    }
    return rows[a_length % 3][b_length];
}

static size_t common_start(const char *a, const char *b)
{
    size_t length = 0;
    while (a[length] != '\0' && a[length] == b[length]) {
        length++;
    }
    return length;
}

const char *suggest_nearest(const char *word, const char *const *words)
{
    const char *nearest = NULL;
    unsigned nearest_distance = UINT_MAX;
    for (; *words != NULL; words++) {
        const unsigned distance = suggest_distance(word, *words);
        const size_t word_length = strlen(word);
        const size_t other_length = strlen(*words);
        const size_t longer = word_length > other_length ? word_length : other_length;
        const unsigned allowed = (unsigned)(longer + 1) / 3;
        const bool is_nearer = distance < nearest_distance ||
                               (nearest != NULL && distance == nearest_distance &&
                                common_start(word, *words) > common_start(word, nearest));
        if (is_nearer && distance <= allowed && distance < longer) {
            nearest = *words;
            nearest_distance = distance;
        }
    }
    return nearest;
}

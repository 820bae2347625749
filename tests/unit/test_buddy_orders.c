#include "../../interposer/policy/bitmap.h"
#include "../../interposer/policy/buddy_orders.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void order_for_is_the_smallest_that_fits(void **state)
{
    (void)state;
    for (int is_weighted = 0; is_weighted <= 1; is_weighted++) {
        for (uint32_t units = 1; units <= 4096; units++) {
            unsigned order = order_for(units, is_weighted != 0);
            assert_true(order_units(order, is_weighted != 0) >= units);
            assert_true(order == 0 || order_units(order - 1, is_weighted != 0) < units);
        }
    }
}

/* Cuts a block to pieces; each piece must find its other half, and both together the whole. */
static void cut_to_pieces(struct buddy_block block, unsigned top, bool is_weighted)
{
    struct buddy_block left;
    struct buddy_block right;
    struct buddy_block other;
    struct buddy_block whole;
    if (!order_can_split(block.order, is_weighted)) {
        return;
    }
    block_split(block, is_weighted, &left, &right);
    assert_int_equal(left.unit, block.unit);
    assert_int_equal(order_units(left.order, is_weighted) + order_units(right.order, is_weighted),
                     order_units(block.order, is_weighted));
    assert_true(left.order >= right.order);
    const struct buddy_block *halves[] = {&left, &right};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            halves[i]->unit & ((1u << order_spacing_bits(halves[i]->order, is_weighted)) - 1), 0);
        assert_true(block_buddy(*halves[i], top, is_weighted, &other, &whole));
        assert_int_equal(other.unit, halves[1 - i]->unit);
        assert_int_equal(other.order, halves[1 - i]->order);
        assert_int_equal(whole.unit, block.unit);
        assert_int_equal(whole.order, block.order);
    }
    cut_to_pieces(left, top, is_weighted);
    cut_to_pieces(right, top, is_weighted);
}

static void block_buddy_of_every_piece_is_its_other_half(void **state)
{
    (void)state;
    for (int is_weighted = 0; is_weighted <= 1; is_weighted++) {
        unsigned top = order_for(1 << 12, is_weighted != 0);
        cut_to_pieces((struct buddy_block){0, top, false}, top, is_weighted != 0);
    }
}

static void bitmap_first_is_the_smallest_of_any_set(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 63, 64, 65, 4096, 4097, 300000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t count = sizes[i];
        uint64_t *words = calloc(bitmap_words(count), sizeof(uint64_t));
        unsigned char *is_in = calloc(count, 1);
        struct bitmap bitmap;
        uint64_t random = count;
        size_t member_count = 0;
        bitmap_init(&bitmap, words, count);
        assert_true(bitmap_is_empty(&bitmap));
        for (int step = 0; step < 5000; step++) {
            random = random * UINT64_C(6364136223846793005) + 1;
            size_t bit = (size_t)(random >> 33) % count;
            if (is_in[bit] != 0) {
                bitmap_remove(&bitmap, bit);
                member_count--;
            } else {
                bitmap_add(&bitmap, bit);
                member_count++;
            }
            is_in[bit] ^= 1;
            assert_int_equal(bitmap_has(&bitmap, bit), is_in[bit] != 0);
            assert_int_equal(bitmap_is_empty(&bitmap), member_count == 0);
            if (member_count != 0 && step % 50 == 0) {
                const unsigned char *first = memchr(is_in, 1, count);
                assert_int_equal(bitmap_first(&bitmap), first - is_in);
            }
        }
        free(words);
        free(is_in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_for_is_the_smallest_that_fits),
        cmocka_unit_test(block_buddy_of_every_piece_is_its_other_half),
        cmocka_unit_test(bitmap_first_is_the_smallest_of_any_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * start_32bit.c - a program of another word size, without any library: it exits with status 7.
 *
 * build: -m32 -nostdlib -static -fno-pie -no-pie
 */
void _start(void);

void _start(void)
{
    __asm__ volatile("mov $1, %eax; mov $7, %ebx; int $0x80");
}

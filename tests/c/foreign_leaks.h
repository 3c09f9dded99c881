/* For programs that load fonts or open a window: what these libraries keep until the process ends is not ours. */
#ifndef TEST_FOREIGN_LEAKS_H
#define TEST_FOREIGN_LEAKS_H

const char *__lsan_default_suppressions(void); /* asked by the leak sanitizer, if there is one */
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig\nleak:libdbus-1\n";
}

#endif

/* ml_file_write among others: links, devices, leftovers, threads, processes, kills. test_base.c has the plain uses. */
#define _GNU_SOURCE
#include "run_helper.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

TestSuite(file, .init = make_folder, .fini = remove_folder);

static void expect_content(const char *path, const char *content)
{
    bytes b = read_file(path);
    cr_expect_str_eq(b.data, content);
    cr_expect_eq(b.n, strlen(content));
    free(b.data);
}

Test(file, every_byte_of_a_large_file_arrives)
{
    size_t n    = 5u << 20;
    char  *data = malloc(n);
    for (size_t i = 0; i < n; i++) data[i] = (char)(i * 2654435761u >> 13);
    cr_assert(ml_file_write(in_folder("large"), data, n));
    bytes b = read_file(in_folder("large"));
    cr_expect(b.n == n && memcmp(b.data, data, n) == 0);
    free(b.data);
    free(data);
}

Test(file, the_longest_legal_name_works)
{
    char name[256];
    memset(name, 'n', 255);
    name[255] = '\0';
    cr_expect(ml_file_write(in_folder(name), "x", 1), "%s", ml_error_message());
    expect_content(in_folder(name), "x");
    cr_expect(ml_file_write(in_folder(name), "y", 1));
    expect_content(in_folder(name), "y");
}

Test(file, in_pieces_it_appears_at_the_end)
{
    put_file(in_folder("a"), "old", 3);
    ml_file *file = ml_file_begin(in_folder("a"));
    cr_assert(ml_file_put(file, "one, ", 5) && ml_file_put(file, "", 0) && ml_file_put(file, "two", 3), "%s", ml_error_message());
    expect_content(in_folder("a"), "old");
    cr_expect(ml_file_end(file, true), "%s", ml_error_message());
    expect_content(in_folder("a"), "one, two");
    file = ml_file_begin(in_folder("a"));
    cr_assert(ml_file_put(file, "three", 5));
    cr_expect_not(ml_file_end(file, false), "it was not to be kept");
    expect_content(in_folder("a"), "one, two");
    cr_expect_eq(entries_in(folder), 1);
    expect_fails(ml_file_begin(in_folder("none/a")), "none/a': No such file or directory");
    cr_expect_not(ml_file_put(NULL, "x", 1) || ml_file_end(NULL, true));
}

Test(file, names_that_cannot_be)
{
    put_file(in_folder("f"), "old", 3);
    expect_fails(ml_file_write(in_folder("f/a.txt"), "x", 1), "f/a.txt': Not a directory");
    expect_fails(ml_file_write(NULL, "x", 1), "without a name");
    expect_fails(ml_file_write("", "x", 1), "without a name");
    expect_content(in_folder("f"), "old");
}

Test(file, a_device_is_not_replaced_by_a_file)
{
    struct stat about;
    expect_fails(ml_file_write("/dev/null", "x", 1), "'/dev/null': it is a device or a pipe");
    cr_assert(stat("/dev/null", &about) == 0 && S_ISCHR(about.st_mode));
    cr_assert(mkfifo(in_folder("pipe"), 0600) == 0);
    expect_fails(ml_file_write(in_folder("pipe"), "x", 1), "device or a pipe");
    cr_assert(symlink("/dev/null", in_folder("link")) == 0);
    expect_fails(ml_file_write(in_folder("link"), "x", 1), "device or a pipe");
}

Test(file, a_link_stays_and_its_file_is_written)
{
    struct stat about;
    cr_assert(mkdir(in_folder("real"), 0777) == 0);
    put_file(in_folder("real/target"), "old", 3);
    cr_assert(symlink("real/target", in_folder("link")) == 0);
    cr_expect(ml_file_write(in_folder("link"), "new", 3), "%s", ml_error_message());
    expect_content(in_folder("real/target"), "new");
    cr_assert(lstat(in_folder("link"), &about) == 0 && S_ISLNK(about.st_mode));
    cr_assert(symlink("nowhere", in_folder("dangling")) == 0);
    expect_fails(ml_file_write(in_folder("dangling"), "new", 3), "a link that leads nowhere");
    cr_assert(symlink("loop", in_folder("loop")) == 0);
    cr_expect_not(ml_file_write(in_folder("loop"), "new", 3));
    cr_expect_eq(entries_in(in_folder("real")), 1);
}

Test(file, a_private_file_stays_private)
{
    struct stat about;
    put_file(in_folder("secret"), "old", 3);
    cr_assert(chmod(in_folder("secret"), 0600) == 0);
    cr_expect(ml_file_write(in_folder("secret"), "new", 3));
    cr_assert(stat(in_folder("secret"), &about) == 0);
    cr_expect_eq(about.st_mode & 0777, 0600);
}

/* A process that was killed leaves a temporary file; in a container the next one has the same id. */
Test(file, what_a_killed_process_left_is_no_obstacle)
{
    char name[64];
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, ".ml%ld-%d.tmp", (long)getpid(), i);
        put_file(in_folder(name), "left", 4);
    }
    cr_expect(ml_file_write(in_folder("a"), "x", 1), "%s", ml_error_message());
    expect_content(in_folder("a"), "x");
    cr_expect_eq(entries_in(folder), 21);
}

static const char *shared;

static void *write_often(void *letter)
{
    char text[10000];
    memset(text, *(char *)letter, sizeof text);
    for (int i = 0; i < 30; i++)
        if (!ml_file_write(shared, text, sizeof text)) return letter;
    return NULL;
}

/* All write the same path; a reader must never see a mixture, and none may be in another's way. */
Test(file, threads_and_processes_do_not_meet)
{
    char      letters[] = "abcd";
    pthread_t threads[2];
    shared      = in_folder("shared");
    pid_t child = fork();
    if (child == 0) _exit(write_often(&letters[2]) != NULL);
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, write_often, &letters[i]);
    void *failed;
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], &failed);
        cr_expect_null(failed);
    }
    int status;
    cr_assert(waitpid(child, &status, 0) == child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    bytes b = read_file(shared);
    cr_expect_eq(b.n, 10000u);
    for (size_t i = 1; i < b.n; i++) cr_assert_eq(b.data[i], b.data[0]);
    free(b.data);
    cr_expect_eq(entries_in(folder), 1);
}

/* Killed at any instant: the old file or a new one, whole. */
Test(file, killed_at_any_instant_the_file_is_whole)
{
    put_file(in_folder("a"), "0000", 4);
    for (int round = 0; round < 20; round++) {
        pid_t child = fork();
        if (child == 0) {
            char *text = malloc(200000);
            for (int i = 0;; i++) {
                memset(text, '1' + i % 9, 200000);
                ml_file_write(in_folder("a"), text, 200000);
            }
        }
        usleep((useconds_t)(round * 1700));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        bytes b = read_file(in_folder("a"));
        cr_assert(b.n == 4 || b.n == 200000, "%zu bytes", b.n);
        for (size_t i = 1; i < b.n; i++) cr_assert_eq(b.data[i], b.data[0]);
        free(b.data);
    }
}

/* moonlab: reads the command and hands over. */
#include "cli/cli.h"

#include <stdarg.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "moonlab/base.h"

static int command_version(int argc, char **argv);
static int command_help(int argc, char **argv);

static const struct command {
    const char *name, *arguments, *summary;
    int (*call)(int argc, char **argv);
    const char *details; /* for `moonlab help <command>` */
} commands[] = {
    { "run", "SCRIPT [key=value...] [options]", "runs an experiment", command_run,
      "Runs a Lua script with moonlab ready for require. key=value overrides a default of the script's ml.run and must\n"
      "be of its type. Results go to runs/<name>/<date>-<time>/; MOONLAB_RUNS names another folder than runs.\n"
      "\n"
      "  replay=RUN    does a run again, a directory or the newest of a name: its parameters, its changes of knobs after the same\n"
      "                steps, and its end if a hand made it; so its metrics are the same to the bit. key=value varies that run\n"
      "  record=PATH   makes a recording of the first figure: an animated .gif, or with ffmpeg an .mp4, .mkv, .webm or .mov\n"
      "  --no-window   figures go to files only\n"
      "  --tui[=NAMES] curves in the terminal in place of windows: the figure's, or of the metrics NAMES (a,b,c). Without a\n"
      "                display this is the default on a terminal. NO_COLOR is respected\n"
      "  --watch       runs again whenever the script, or a file that it reads by require or dofile, is saved; an error stays on\n"
      "                screen until then. run:on_reload says what the next program goes on from. Ctrl-C ends\n"
      "  --quiet       no progress and no notes; failed checks and errors are still told\n"
      "  --threads N   threads for the kernels (default: MOONLAB_THREADS, else the cores); results do not depend on it\n"
      "\n"
      "Ctrl-C ends the loop after the step under way and keeps everything; a second one ends the program.\n"
      "Exit code: 0 done, 1 error in the script, 2 wrong command line, 3 a check of the script failed, 130 interrupted.\n" },
    { "play", "[key=value...] [options]", "opens the playground", command_script,
      "A network learns in a window while you turn its knobs: data (spirals, moons, circles, modular, mnist1d), architecture,\n"
      "activation, optimizer, lr, weight_decay, batch, noise, wrong_labels, train_fraction, p of modular addition, speed, seed.\n"
      "key=value says where they begin: moonlab play data=modular weight_decay=0. steps=N ends after N steps; without a window it\n"
      "is needed. The options are those of run, but for --watch. All that is turned is in the run's log:\n"
      "moonlab play replay=RUN does the same lesson again, number for number.\n"
      "It is a script as any other: examples/play.lua, with a copy in each run's directory.\n" },
    { "repl", "", "opens a prompt", command_repl,
      "Lua, with ml and nn ready. Expressions are printed; Tab completes names, fields and methods; input goes on until\n"
      "it is complete. Ctrl-C drops the line or stops what runs, Ctrl-D leaves. Also reads from a pipe.\n" },
    { "view", "[RUN...] [options]", "shows runs, also while they are running", command_view,
      "Opens runs in a window: one with all that it logged, several over each other, with a legend of the parameters in\n"
      "which they differ. Runs that are still at work, in other processes, go on growing. RUN is a run's directory, or a\n"
      "name: grokking is its newest run, grokking:3 the three newest, grokking/20260102-030405 that one. Without RUN it is\n"
      "the newest run of all.\n"
      "\n"
      "  --metrics NAMES  these only: a,b or patterns, as 'test_*'\n"
      "  --newest N       the N newest runs of each name\n"
      "  --mean           runs that differ in the seed alone become their mean, with a band of one standard deviation\n"
      "  --smooth W       averages over the curves, in which the past has the weight W, 0 to below 1; the keys [ ] do it, too\n"
      "  --log            logarithmic axes of steps; the key x in the window does it, too\n"
      "  --save FILE      draws to a .png, .svg or .pdf, and ends\n"
      "  --style STYLE    light, dark or print\n"
      "  --tui            curves in the terminal, until all runs have ended. This is the default without a display\n"
      "  --no-follow      what there is now\n"
      "\n"
      "A click on a name of the legend hides that run, or that metric, in all panels; ? in the window tells all keys. Closing\n"
      "the window, or Ctrl-C, ends the command and no run.\n"
      "Exit code: 0 also after Ctrl-C, 1 when there is nothing to show, 2 wrong command line.\n" },
    { "export", "RUN --csv [FILE]", "writes the metrics of a run as CSV", command_export,
      "RUN is a run's directory, or the name of an experiment: then its latest run.\n"
      "FILE defaults to metrics.csv in the run's directory; - is the standard output.\n" },
    { "doctor", "", "looks at this machine and this build", command_doctor,
      "Prints versions, kernels, threads, memory, display and folders, each with a verdict.\n"
      "Exit code: 1 when something is broken.\n" },
    { "version", "", "prints the version", command_version, "" },
    { "help", "[COMMAND]", "explains a command", command_help, "" },
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void print_help(FILE *out)
{
    fputs("usage: moonlab COMMAND ...\n\n", out);
    for (int i = 0; i < N_COMMANDS; i++) {
        char form[64];
        snprintf(form, sizeof form, "%s %s", commands[i].name, commands[i].arguments);
        fprintf(out, "  %-36s %s\n", form, commands[i].summary);
    }
}

static const struct command *find_command(const char *name)
{
    for (int i = 0; i < N_COMMANDS; i++)
        if (!strcmp(name, commands[i].name)) return &commands[i];
    return NULL;
}

static int unknown_command(const char *name)
{
    const char *dot = strrchr(name, '.');
    if (dot && !strcmp(dot, ".lua")) return usage_error(NULL, "'%s' is no command; to run a script: moonlab run %s", name, name);
    const char *names[N_COMMANDS];
    for (int i = 0; i < N_COMMANDS; i++) names[i] = commands[i].name;
    const char *nearest = ml_nearest_word(name, names, N_COMMANDS);
    if (nearest) return usage_error(NULL, "unknown command '%s'; did you mean '%s'?", name, nearest);
    return usage_error(NULL, "unknown command '%s'", name);
}

static int command_version(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) return usage_error("version", "takes no arguments");
    puts("moonlab " ML_VERSION);
    return DONE;
}

static int command_help(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stdout);
        return DONE;
    }
    const struct command *command = find_command(argv[1]);
    if (!command) return unknown_command(argv[1]);
    printf("usage: moonlab %s%s%s\n\n%s%s", command->name, *command->arguments ? " " : "", command->arguments,
           *command->details ? command->details : command->summary, *command->details ? "" : "\n");
    return DONE;
}

int usage_error(const char *command, const char *format, ...)
{
    va_list args;
    fputs(command ? "moonlab " : "moonlab", stderr);
    fprintf(stderr, "%s: ", command ? command : "");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n`moonlab help%s%s` says more\n", command ? " " : "", command ? command : "");
    return USAGE;
}

int main(int argc, char **argv)
{
#ifdef SIGXFSZ
    signal(SIGXFSZ, SIG_IGN); /* a file over the limit (ulimit -f) is an error of its write, with a message, as on a full disk */
#endif
    if (argc < 2) {
        print_help(stderr);
        return USAGE;
    }
    const char *name = argv[1];
    if (!strcmp(name, "--help") || !strcmp(name, "-h")) name = "help";
    if (!strcmp(name, "--version") || !strcmp(name, "-v")) name = "version";
    const struct command *command = find_command(name);
    if (!command) return unknown_command(name);
    if (argc > 2 && (!strcmp(argv[2], "--help") || !strcmp(argv[2], "-h")))
        return command_help(2, (char *[]){ argv[2], argv[1] });
    return command->call(argc - 1, argv + 1);
}

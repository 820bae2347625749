#include "completion.h"

static const char head[] =
    "# Completion of allocaudit for bash. Made by: allocaudit help --completion bash\n"
    "\n"
    "# The words of the program that is run, from word $1 on.\n"
    "_allocaudit_program()\n"
    "{\n"
    "    if declare -F _command_offset >/dev/null; then\n"
    "        _command_offset \"$1\"\n"
    "    else\n"
    "        mapfile -t COMPREPLY < <(compgen -c -f -- \"$2\")\n"
    "    fi\n"
    "}\n"
    "\n"
    "_allocaudit()\n"
    "{\n"
    "    local current=$2 previous=$3 options='' takers='' words='' index\n"
    "    [[ $previous == = ]] && previous=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    [[ $current == = ]] && previous=${COMP_WORDS[COMP_CWORD - 1]} current=''\n"
    "    COMPREPLY=()\n";

/* `takers` are the options whose value is the next word; bash makes `=` a word of its own. */
static const char program_words[] =
    "        for ((index = 2; index < COMP_CWORD; index++)); do\n"
    "            case ${COMP_WORDS[index]} in\n"
    "            --) _allocaudit_program $((index + 1)) \"$current\"; return ;;\n"
    "            -*)\n"
    "                if [[ $takers == *\" ${COMP_WORDS[index]} \"* ]]; then\n"
    "                    index=$((index + 1))\n"
    "                    [[ ${COMP_WORDS[index]} == = ]] && index=$((index + 1))\n"
    "                fi ;;\n"
    "            *) _allocaudit_program \"$index\" \"$current\"; return ;;\n"
    "            esac\n"
    "        done\n";

static const char tail[] =
    "    if [[ -n $words ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
    "    elif [[ $current == -* ]]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$current\")\n"
    "    else\n"
    "        mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
    "    fi\n"
    "}\n"
    "\n"
    "complete -o filenames -F _allocaudit allocaudit\n";

static void print_commands(const struct option_page *const *pages, FILE *stream)
{
    for (; *pages != NULL; pages++) {
        fprintf(stream, "%s ", (*pages)->command);
    }
}

static void print_takers(const struct option_page *page, FILE *stream)
{
    fputs("        takers=' ", stream);
    for (const struct option_spec *spec = page->options; spec != NULL && spec->name != NULL;
         spec++) {
        if (spec->type == OPTION_FLAG) {
            continue;
        }
        fprintf(stream, "--%s ", spec->name);
        if (spec->letter != '\0') {
            fprintf(stream, "-%c ", spec->letter);
        }
    }
    fputs("'\n", stream);
}

/* The words that may follow an option. */
static void print_choices(const struct option_page *page, FILE *stream)
{
    fputs("        case $previous in\n", stream);
    for (const struct option_spec *spec = page->options; spec != NULL && spec->name != NULL;
         spec++) {
        if (spec->type == OPTION_YES_NO) {
            fprintf(stream, "        --%s) words='yes no' ;;\n", spec->name);
        } else if (spec->type == OPTION_CHOICE) {
            fprintf(stream, "        --%s) words='", spec->name);
            for (size_t i = 0; spec->choices[i] != NULL; i++) {
                fprintf(stream, "%s%s", i > 0 ? " " : "", spec->choices[i]);
            }
            fputs("' ;;\n", stream);
        }
    }
    fputs("        esac\n", stream);
}

static void print_page(const struct option_page *page, FILE *stream)
{
    fprintf(stream, "    %s)\n        options='--help", page->command);
    for (const struct option_spec *spec = page->options; spec != NULL && spec->name != NULL;
         spec++) {
        fprintf(stream, " --%s", spec->name);
    }
    fputs("'\n", stream);
    if (page->options != NULL) {
        print_choices(page, stream);
    }
    if (page->is_command_line) {
        print_takers(page, stream);
        fputs(program_words, stream);
    }
    fputs("        ;;\n", stream);
}

void completion_print_bash(const struct option_page *const *pages, FILE *stream)
{
    fputs(head, stream);
    fputs("    if ((COMP_CWORD == 1)) || [[ ${COMP_WORDS[1]} == help && $current != -* ]]; then\n"
          "        words='",
          stream);
    print_commands(pages, stream);
    fputs("--help --version'\n    fi\n    case ${COMP_WORDS[1]} in\n", stream);
    for (const struct option_page *const *page = pages; *page != NULL; page++) {
        print_page(*page, stream);
    }
    fputs("    esac\n", stream);
    fputs(tail, stream);
}

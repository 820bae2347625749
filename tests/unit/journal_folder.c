#include "journal_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../analyzer/collect/recording/journal.h"

char journal_folder_path[64];
char journal_folder_file[96];

int journal_folder_make(void **state)
{
    (void)state;
    (void)snprintf(journal_folder_path, sizeof(journal_folder_path),
                   "/tmp/allocaudit-journal-XXXXXX");
    if (mkdtemp(journal_folder_path) == NULL) {
        return -1;
    }
    (void)snprintf(journal_folder_file, sizeof(journal_folder_file), "%s/" JOURNAL_FILE,
                   journal_folder_path);
    return 0;
}

int journal_folder_remove(void **state)
{
    (void)state;
    (void)unlink(journal_folder_file);
    return rmdir(journal_folder_path);
}

/*
 * journal_folder.h - a folder for a journal, for each test one of its own.
 */
#ifndef ALLOCAUDIT_TEST_JOURNAL_FOLDER_H
#define ALLOCAUDIT_TEST_JOURNAL_FOLDER_H

/* The folder, and the journal's file in it. */
extern char journal_folder_path[64];
extern char journal_folder_file[96];

/* Setup and teardown of a test. */
int journal_folder_make(void **state);
int journal_folder_remove(void **state);

#endif

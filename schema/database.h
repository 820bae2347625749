/*
 * database.h - how to tell a recording from any other SQLite file. The tables are in schema.sql.
 */
#ifndef ALLOCAUDIT_DATABASE_H
#define ALLOCAUDIT_DATABASE_H

enum {
    DATABASE_APPLICATION_ID = 0x416c4175, /* "AlAu" */
    DATABASE_VERSION = 1, /* PRAGMA user_version: raised with every change of meaning */
    DATABASE_PAGE_BYTES = 65536,
};

/* The text of schema/schema.sql and schema/views.sql, put into the program at build time. */
extern const char database_schema_sql[];
extern const char database_views_sql[];

#endif

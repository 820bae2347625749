#include "frame_place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../../schema/frame_symbols.h"
#include "../../catalog/preload.h"
#include "../../elf/frame_object.h"
#include "../drain/session.h"

static int write_into(struct frame_place *place, const char *directory, const char *const *symbols,
                      size_t count, struct err *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/" FRAME_OBJECT_FILE, directory) >= (int)sizeof(path)) {
        return err_set_errno(err, ENAMETOOLONG, "cannot write to '%s'", directory);
    }
    int result = preload_check_path(path, err);
    if (result == 0) {
        result = frame_object_write(directory, symbols, count, err);
    }
    if (result == 0) {
        (void)snprintf(place->path, sizeof(place->path), "%s", path);
    }
    return result;
}

int frame_place_make(struct frame_place *place, const char *session_directory,
                     const char *const *symbols, size_t count, struct err *err)
{
    *place = (struct frame_place){.path = ""};
    if (write_into(place, session_directory, symbols, count, err) == 0) {
        return 0;
    }
    const char *folder = getenv("TMPDIR");
    folder = folder != NULL && folder[0] == '/' ? folder : "/tmp";
    if (snprintf(place->directory, sizeof(place->directory), "%s/allocaudit-XXXXXX", folder) >=
            (int)sizeof(place->directory) ||
        mkdtemp(place->directory) == NULL) {
        place->directory[0] = '\0';
        return err_set_errno(err, errno, "cannot make a directory in '%s'", folder);
    }
    return write_into(place, place->directory, symbols, count, err);
}

void frame_place_remove(struct frame_place *place)
{
    if (place->directory[0] != '\0') {
        session_remove_directory(place->directory);
    }
    *place = (struct frame_place){.path = ""};
}

#include "module.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>

#include "sys.h"

#include "banned.h"

static bool module_is_known(const struct module_list *list, uintptr_t address)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (address >= list->ranges[i].start && address < list->ranges[i].end) {
            return true;
        }
    }
    return false;
}

static void module_remember(struct module_list *list, uintptr_t start, uintptr_t end)
{
    uint32_t at = list->count;
    if (list->count < MODULE_LIST_CAPACITY) {
        list->count++;
    } else {
        at = list->oldest;
        list->oldest = (list->oldest + 1) % MODULE_LIST_CAPACITY;
    }
    list->ranges[at].start = start;
    list->ranges[at].end = end;
}

uint32_t module_executable_path(char *path, uint32_t capacity)
{
    static const char gone[] = " (deleted)";
    const size_t gone_bytes = sizeof(gone) - 1;
    uint64_t device;
    uint64_t inode;
    long read_bytes = sys_readlink("/proc/self/exe", path, capacity - 1);
    size_t length = read_bytes > 0 ? (size_t)read_bytes : 0;
    path[length] = '\0';
    if (length > gone_bytes && strcmp(path + length - gone_bytes, gone) == 0 &&
        sys_file_identity(path, &device, &inode) < 0) {
        length -= gone_bytes; /* else a file of that very name */
        path[length] = '\0';
    }
    return (uint32_t)length;
}

static uint32_t module_copy_path(const struct link_map *map, char *path, uint32_t capacity)
{
    if (map->l_name == NULL || map->l_name[0] == '\0') {
        return module_executable_path(path, capacity);
    }
    size_t length = strnlen(map->l_name, capacity - 1);
    memcpy(path, map->l_name, length);
    return (uint32_t)length;
}

/* The GNU build id out of the notes that the loader has mapped; its length, 0 if there is none. */
static uint32_t module_copy_build_id(const struct dl_find_object *object, unsigned char *build_id)
{
    const char *base = object->dlfo_map_start;
    const ElfW(Ehdr) *header = (const void *)base;
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_phoff > (size_t)((const char *)object->dlfo_map_end - base)) {
        return 0;
    }
    const ElfW(Phdr) *segment = (const void *)(base + header->e_phoff);
    for (unsigned i = 0; i < header->e_phnum; i++, segment++) {
        const char *note = (const char *)object->dlfo_link_map->l_addr + segment->p_vaddr;
        const char *end = note + segment->p_memsz;
        while (segment->p_type == PT_NOTE && note + sizeof(ElfW(Nhdr)) <= end) {
            const ElfW(Nhdr) *head = (const void *)note;
            const char *name = note + sizeof(*head);
            const char *text = name + ((head->n_namesz + 3) & ~3u);
            if (head->n_type == NT_GNU_BUILD_ID && head->n_namesz == 4 &&
                head->n_descsz <= MODULE_BUILD_ID_BYTES && text + head->n_descsz <= end &&
                memcmp(name, "GNU", 4) == 0) {
                memcpy(build_id, text, head->n_descsz);
                return head->n_descsz;
            }
            note = text + ((head->n_descsz + 3) & ~3u);
        }
    }
    return 0;
}

bool module_look(uintptr_t address, struct module_facts *out_facts)
{
    struct dl_find_object object;
    if (_dl_find_object((void *)address, &object) != 0) {
        return false;
    }
    out_facts->start = (uintptr_t)object.dlfo_map_start;
    out_facts->end = (uintptr_t)object.dlfo_map_end;
    out_facts->load_bias = object.dlfo_link_map->l_addr;
    out_facts->path_bytes =
        module_copy_path(object.dlfo_link_map, out_facts->path, sizeof(out_facts->path));
    out_facts->path[out_facts->path_bytes] = '\0';
    out_facts->build_id_bytes = module_copy_build_id(&object, out_facts->build_id);
    return true;
}

static void module_send(const struct module_facts *facts, struct writer *writer)
{
    size_t bytes =
        (sizeof(struct event_module) + facts->path_bytes + facts->build_id_bytes + 7) & ~(size_t)7;
    if (!lane_reserve(writer, bytes)) {
        return;
    }
    lane_begin(writer);
    struct event_module *event = (struct event_module *)writer->cursor;
    writer->cursor[bytes / 8 - 1] = 0;
    *event = (struct event_module){
        .head = event_head(EVENT_MODULE, 0, lane_stamp(writer)),
        .start_address = facts->start,
        .end_address = facts->end,
        .load_bias = facts->load_bias,
        .path_bytes = (uint16_t)facts->path_bytes,
        .build_id_bytes = (uint16_t)facts->build_id_bytes,
    };
    memcpy(event->text, facts->path, facts->path_bytes);
    memcpy(event->text + facts->path_bytes, facts->build_id, facts->build_id_bytes);
    lane_publish(writer, writer->cursor + bytes / 8);
}

void module_announce(struct module_list *list, struct writer *writer, uintptr_t address)
{
    struct module_facts facts;
    if (module_is_known(list, address) || !module_look(address, &facts)) {
        return;
    }
    module_send(&facts, writer);
    module_remember(list, facts.start, facts.end);
}

uint32_t module_path(const void *address, char *path, uint32_t capacity)
{
    struct dl_find_object object;
    if (_dl_find_object((void *)(uintptr_t)address, &object) != 0) {
        return 0;
    }
    return module_copy_path(object.dlfo_link_map, path, capacity);
}

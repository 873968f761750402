/* zip_members.c - see the header. Every number of the file is checked against its size before it is used. */
#include "store/zip_members.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LOCAL_MAGIC     0x04034b50u
#define ENTRY_MAGIC     0x02014b50u
#define END_MAGIC       0x06054b50u
#define END64_MAGIC     0x06064b50u
#define LOCATOR64_MAGIC 0x07064b50u
#define LOCAL_BYTES     30
#define ENTRY_BYTES     46
#define END_BYTES       22
#define END64_BYTES     56
#define LOCATOR64_BYTES 20
#define MAX_COMMENT     65535
#define ZIP64_EXTRA     1
#define UNKNOWN32       0xffffffffu
#define UNKNOWN16       0xffffu
#define MAX_MEMBERS     ((uint64_t)1 << 20)

typedef struct archive {
    const unsigned char *data;
    size_t size;
} archive;

static uint32_t at16(const unsigned char *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t at32(const unsigned char *p) {
    return at16(p) | at16(p + 2) << 16;
}

static uint64_t at64(const unsigned char *p) {
    return at32(p) | (uint64_t)at32(p + 4) << 32;
}

static bool fits(const archive *a, uint64_t offset, uint64_t bytes) {
    return offset <= a->size && bytes <= a->size - offset;
}

static lofi_code damaged(const char *why, lofi_error *err) {
    return lofi_fail(err, LOFI_ERR_FORMAT, "the zip archive is damaged: %s", why);
}

bool lofi_zip_begins(const unsigned char *data, size_t size) {
    return size >= LOCAL_BYTES && at32(data) == LOCAL_MAGIC;
}

/* ---- the directory ---- */

typedef struct directory {
    uint64_t offset, count;
} directory;

/* The record at the very end, behind which only a comment may follow. */
static bool find_end(const archive *a, size_t *end) {
    if (a->size < END_BYTES) return false;
    for (size_t back = END_BYTES; back <= a->size && back <= END_BYTES + MAX_COMMENT; back++) {
        const unsigned char *p = a->data + a->size - back;
        if (at32(p) != END_MAGIC || at16(p + 20) != back - END_BYTES) continue;
        *end = a->size - back;
        return true;
    }
    return false;
}

static lofi_code read_end64(directory *out, const archive *a, size_t end, lofi_error *err) {
    if (end < LOCATOR64_BYTES || at32(a->data + end - LOCATOR64_BYTES) != LOCATOR64_MAGIC)
        return damaged("its end names a directory that is not there", err);
    uint64_t offset = at64(a->data + end - LOCATOR64_BYTES + 8);
    if (!fits(a, offset, END64_BYTES) || at32(a->data + offset) != END64_MAGIC)
        return damaged("its 64-bit end is not where it should be", err);
    out->count = at64(a->data + offset + 32);
    out->offset = at64(a->data + offset + 48);
    return LOFI_OK;
}

static lofi_code read_directory(directory *out, const archive *a, lofi_error *err) {
    size_t end;
    if (!find_end(a, &end)) return damaged("it has no end", err);
    const unsigned char *p = a->data + end;
    if (at16(p + 4) != 0 && at16(p + 4) != UNKNOWN16)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "the zip archive is one of several disks");
    *out = (directory){.offset = at32(p + 16), .count = at16(p + 10)};
    if (out->offset == UNKNOWN32 || out->count == UNKNOWN16) LOFI_TRY(read_end64(out, a, end, err));
    if (out->count > MAX_MEMBERS || !fits(a, out->offset, out->count * ENTRY_BYTES))
        return damaged("its directory is larger than the file", err);
    return LOFI_OK;
}

/* ---- one member ---- */

typedef struct entry {
    uint64_t size, packed, offset;
} entry;

/* Numbers that did not fit into 32 bits, in a field behind the name. */
static lofi_code read_extra64(entry *e, const unsigned char *extra, size_t size, lofi_error *err) {
    uint64_t *wanted[] = {&e->size, &e->packed, &e->offset};
    for (size_t at = 0; at + 4 <= size;) {
        uint32_t id = at16(extra + at), length = at16(extra + at + 2);
        if (length > size - at - 4) break;
        if (id != ZIP64_EXTRA) {
            at += 4 + length;
            continue;
        }
        const unsigned char *p = extra + at + 4;
        for (int i = 0; i < 3; i++) {
            if (*wanted[i] != UNKNOWN32) continue;
            if (length < 8) return damaged("a 64-bit size is missing", err);
            *wanted[i] = at64(p);
            p += 8, length -= 8;
        }
        return LOFI_OK;
    }
    return damaged("a 64-bit size is missing", err);
}

/* The bytes behind the local header, whose name and extra field have lengths of their own. */
static lofi_code locate(lofi_zip_member *member, const archive *a, const entry *e, lofi_error *err) {
    if (!fits(a, e->offset, LOCAL_BYTES) || at32(a->data + e->offset) != LOCAL_MAGIC)
        return damaged("a member is not where the directory says", err);
    const unsigned char *local = a->data + e->offset;
    uint64_t begin = e->offset + LOCAL_BYTES + at16(local + 26) + at16(local + 28);
    if (!fits(a, begin, e->size)) return damaged("a member reaches beyond the end of the file", err);
    member->data = a->data + begin;
    member->size = (size_t)e->size;
    return LOFI_OK;
}

static lofi_code check_storage(const unsigned char *p, const entry *e, const char *name, lofi_error *err) {
    if (at16(p + 8) & 1) return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "the zip member '%s' is encrypted", name);
    if (at16(p + 10) != 0 || e->size != e->packed)
        return lofi_fail(err, LOFI_ERR_UNSUPPORTED, "the zip member '%s' is compressed, which torch.save never does",
                         name);
    return LOFI_OK;
}

/* Reads the entry at *offset and moves on. */
static lofi_code read_entry(lofi_zip_member *member, lofi_arena *arena, const archive *a, uint64_t *offset,
                            lofi_error *err) {
    if (!fits(a, *offset, ENTRY_BYTES) || at32(a->data + *offset) != ENTRY_MAGIC)
        return damaged("its directory ends early", err);
    const unsigned char *p = a->data + *offset;
    uint64_t name = at16(p + 28), extra = at16(p + 30), comment = at16(p + 32);
    if (!fits(a, *offset + ENTRY_BYTES, name + extra + comment)) return damaged("its directory ends early", err);
    entry e = {.size = at32(p + 24), .packed = at32(p + 20), .offset = at32(p + 42)};
    if (e.size == UNKNOWN32 || e.packed == UNKNOWN32 || e.offset == UNKNOWN32)
        LOFI_TRY(read_extra64(&e, p + ENTRY_BYTES + name, (size_t)extra, err));
    member->name = lofi_arena_printf(arena, "%.*s", (int)name, (const char *)p + ENTRY_BYTES);
    if (!member->name) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the members of a zip archive");
    *offset += ENTRY_BYTES + name + extra + comment;
    LOFI_TRY(check_storage(p, &e, member->name, err));
    return locate(member, a, &e, err);
}

/* ---- all ---- */

static int by_name(const void *left, const void *right) {
    return strcmp(((const lofi_zip_member *)left)->name, ((const lofi_zip_member *)right)->name);
}

lofi_code lofi_zip_members_read(lofi_zip_members *out, lofi_arena *arena, const unsigned char *data, size_t size,
                                lofi_error *err) {
    archive a = {data, size};
    directory found;
    LOFI_TRY(read_directory(&found, &a, err));
    size_t count = (size_t)found.count;
    lofi_zip_member *items = lofi_arena_alloc(arena, (count + 1) * sizeof *items);
    if (!items) return lofi_fail(err, LOFI_ERR_MEMORY, "out of memory for the members of a zip archive");
    for (size_t i = 0; i < count; i++) LOFI_TRY(read_entry(&items[i], arena, &a, &found.offset, err));
    if (count > 1) qsort(items, count, sizeof *items, by_name);
    for (size_t i = 1; i < count; i++)
        if (strcmp(items[i - 1].name, items[i].name) == 0)
            return lofi_fail(err, LOFI_ERR_FORMAT, "the zip archive holds '%s' twice", items[i].name);
    *out = (lofi_zip_members){items, count};
    return LOFI_OK;
}

const lofi_zip_member *lofi_zip_member_find(const lofi_zip_members *members, const char *name) {
    lofi_zip_member wanted = {.name = name};
    if (members->count == 0) return NULL;
    return bsearch(&wanted, members->items, members->count, sizeof wanted, by_name);
}

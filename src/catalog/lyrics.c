/* lyrics.c - see lyrics.h. */
#include "catalog/lyrics.h"

#include <string.h>
#include <strings.h>

static bool is_space(char character) {
    return character != '\0' && strchr(" \t\r\n", character) != NULL;
}

bool lofi_lyrics_are_instrumental(const char *text, size_t size) {
    static const char marker[] = "[instrumental]";
    while (size > 0 && is_space(text[0])) {
        text++;
        size--;
    }
    while (size > 0 && is_space(text[size - 1])) size--;
    return size == 0 || (size == sizeof marker - 1 && strncasecmp(text, marker, size) == 0);
}

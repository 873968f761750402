/* small_tokenizer.c - see small_tokenizer.h. The pieces: special tokens, bytes, single characters, endings, words. */
#include "text/small_tokenizer.h"

#include <jansson.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/json.h"
#include "text/text_libraries.h"
#include "text/unicode.h"
#include "text/vocabulary.h"

#define MARK "\xe2\x96\x81" /* U+2581, stands for a space */

/* Separated by spaces; each becomes a piece that begins a word. */
static const char *const words[] = {
    "lofi lo fi hip hop hiphop beat beats chill chillhop chilled jazz jazzy hop study studying sleep sleepy relax "
    "relaxing relaxed calm mellow warm",
    "soft gentle quiet slow lazy dreamy nostalgic melancholic melancholy sad happy hopeful romantic dark bright cozy "
    "peaceful ambient atmospheric",
    "cinematic minimal organic acoustic electric electronic analog vintage retro classic modern smooth groovy funky "
    "soulful bluesy tropical urban",
    "night midnight evening morning dawn dusk sunset sunrise rain rainy rainfall snow winter summer autumn spring "
    "ocean sea river forest city street",
    "cafe coffee tea window room bedroom kitchen library train tram car drive late library garden rooftop balcony sky "
    "moon star stars light shadow",
    "piano keys keyboard rhodes wurlitzer organ synth pad pads bass upright double sub guitar nylon strings violin "
    "cello viola harp flute clarinet",
    "saxophone sax trumpet muted trombone horn brass woodwind kalimba marimba vibraphone xylophone bells glockenspiel "
    "koto shamisen shakuhachi sitar",
    "tabla drum drums kick snare hat hats cymbal ride shaker tambourine brush brushed rim clap claps percussion bongo "
    "conga loop loops sample samples",
    "sampled vinyl crackle crackles hiss tape cassette saturation saturated noise dust dusty wobble wow flutter reverb "
    "delay echo chorus filter filtered",
    "compressed sidechain swing swung shuffle quantized laid back boom bap trap house garage drill bossa nova samba "
    "latin afro reggae dub soul funk blues",
    "rock pop folk country classical orchestral vaporwave synthwave future phonk downtempo trip breakbeat jungle "
    "techno disco gospel anime video game",
    "tempo bpm key major minor sharp flat chord chords progression melody melodic harmony harmonic rhythm rhythmic "
    "groove bar bars note notes octave",
    "intro verse chorus bridge outro hook solo break drop instrumental vocal vocals voice voices singer sung rap "
    "spoken whispered humming male female",
    "the a an and or but of to in on at by for with without from into over under between behind after before about "
    "around through during until while",
    "i you he she it we they me him her us them my your his its our their this that these those who what which when "
    "where why how not no yes all any",
    "some more most many few much little very too so just only also still never always again once here there then now "
    "is are was were be been being am",
    "have has had do does did can could will would shall should may might must go going gone come coming came get got "
    "make made take took give gave",
    "see seen look looking hear heard listen listening feel feeling felt know think want need love like leave left "
    "keep kept hold turn play playing",
    "played sing singing dance dancing walk walking run running fall falling fell rise wait waiting write read call "
    "talk say said tell told ask stay",
    "day days week month year years time hour hours minute minutes second moment today tomorrow yesterday life world "
    "home house door floor wall bed",
    "hand hands heart eyes face head mind dream dreams memory memories song songs music sound sounds word words line "
    "lines story letter letters name",
    "man woman boy girl friend friends people child mother father cat dog bird fire water wind cloud clouds air earth "
    "stone tree trees leaf leaves",
    "red blue green yellow black white grey golden silver neon one two three four five six seven eight nine ten "
    "hundred first last next new old young",
    "good bad better best big small long short high low deep wide open closed empty full clean dirty fast faster "
    "slower heavy lightly easy hard same other",
};
/* Pieces inside or at the end of words. */
static const char *const inner = "ing ed er ers est ly tion ness ment ful less able al ic ive ous ity an en in on re "
                                 "un th he ar or st nd es nt ll ee oo ou ai ea ch sh ck qu "
                                 "and ine ght ound ight ation ture ance ence ish ism ist ize ward wise side time";

typedef struct builder {
    json_t *vocab;
    lofi_token_vocabulary *seen;
    int64_t count;
} builder;

static lofi_code add(builder *self, const char *text, double score, lofi_error *err) {
    if (lofi_token_vocabulary_find(self->seen, text, strlen(text)) >= 0) return LOFI_OK;
    LOFI_TRY(lofi_token_vocabulary_set(self->seen, text, strlen(text), self->count, err));
    self->count++;
    if (json_array_append_new(self->vocab, json_pack("[s,f]", text, score)) != 0)
        return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate a small tokenizer");
    return LOFI_OK;
}

/* Adds the words of a list, each a little less likely than the one before. */
static lofi_code add_words(builder *self, const char *list, const char *prefix, double *score, lofi_error *err) {
    while (*list != '\0') {
        char piece[64];
        int size = (int)strcspn(list, " ");
        snprintf(piece, sizeof piece, "%s%.*s", prefix, size, list);
        LOFI_TRY(add(self, piece, *score, err));
        *score -= 0.0078125; /* a power of two: exact in binary and in the file */
        list += size;
        list += strspn(list, " ");
    }
    return LOFI_OK;
}

static lofi_code add_pieces(builder *self, lofi_error *err) {
    double word_score = -4.0, inner_score = -8.0;
    LOFI_TRY(add(self, "<pad>", 0.0, err));
    LOFI_TRY(add(self, "</s>", 0.0, err));
    LOFI_TRY(add(self, "<unk>", 0.0, err));
    for (int byte = 0; byte < 256; byte++) {
        char piece[8];
        snprintf(piece, sizeof piece, "<0x%02X>", (unsigned)byte);
        LOFI_TRY(add(self, piece, -20.0, err));
    }
    LOFI_TRY(add(self, MARK, -3.0, err));
    for (int c = '!'; c <= '~'; c++) LOFI_TRY(add(self, (const char[]){(char)c, '\0'}, -12.0, err));
    for (int32_t c = 0xc0; c <= 0x17f; c++) { /* letters of Latin-1 and Latin Extended-A */
        lofi_buffer piece = LOFI_BUFFER_INIT;
        lofi_utf8_append(&piece, c);
        lofi_code code = lofi_buffer_check(&piece, err);
        if (code == LOFI_OK && lofi_is_word(c)) code = add(self, lofi_buffer_str(&piece), -14.0, err);
        lofi_buffer_free(&piece);
        LOFI_TRY(code);
    }
    LOFI_TRY(add_words(self, inner, "", &inner_score, err));
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        LOFI_TRY(add_words(self, words[i], MARK, &word_score, err));
    return LOFI_OK;
}

static json_t *special_token(const char *content) {
    return json_pack("{s:s,s:b,s:b,s:b,s:b,s:b}", "content", content, "single_word", 0, "lstrip", 0, "rstrip", 0,
                     "normalized", 0, "special", 1);
}

static const char *const specials[] = {"<pad>", "</s>", "<unk>"};

static json_t *tokenizer_document(json_t *vocab) {
    json_t *added = json_array();
    for (int i = 0; i < 3; i++) {
        json_t *token = json_pack("{s:i}", "id", i);
        json_t *rest = special_token(specials[i]);
        json_object_update(token, rest);
        json_decref(rest);
        json_array_append_new(added, token);
    }
    json_t *normalizer = json_pack("{s:s,s:[{s:s,s:b,s:b},{s:s,s:{s:s},s:s}]}", "type", "Sequence", "normalizers",
                                   "type", "Strip", "strip_left", 0, "strip_right", 1, "type", "Replace", "pattern",
                                   "Regex", " {2,}", "content", MARK);
    json_t *metaspace = json_pack("{s:s,s:s,s:s,s:b}", "type", "Metaspace", "replacement", MARK, "prepend_scheme",
                                  "always", "split", 1);
    json_t *end = json_pack("{s:s,s:[i],s:[s]}", "id", "</s>", "ids", 1, "tokens", "</s>");
    json_t *post = json_pack(
        "{s:s,s:[{s:{s:s,s:i}},{s:{s:s,s:i}}],s:[{s:{s:s,s:i}},{s:{s:s,s:i}},{s:{s:s,s:i}},{s:{s:s,s:i}}],s:{s:o}}",
        "type", "TemplateProcessing", "single", "Sequence", "id", "A", "type_id", 0, "SpecialToken", "id", "</s>",
        "type_id", 0, "pair", "Sequence", "id", "A", "type_id", 0, "SpecialToken", "id", "</s>", "type_id", 0,
        "Sequence", "id", "B", "type_id", 0, "SpecialToken", "id", "</s>", "type_id", 0, "special_tokens", "</s>", end);
    return json_pack("{s:s,s:n,s:n,s:o,s:o,s:o,s:o,s:o,s:{s:s,s:i,s:O,s:b}}", "version", "1.0", "truncation", "padding",
                     "added_tokens", added, "normalizer", normalizer, "pre_tokenizer", json_incref(metaspace),
                     "post_processor", post, "decoder", metaspace, "model", "type", "Unigram", "unk_id", 2, "vocab",
                     vocab, "byte_fallback", 1);
}

static json_t *config_document(void) {
    json_t *decoder = json_object();
    for (int i = 0; i < 3; i++) {
        char id[8];
        snprintf(id, sizeof id, "%d", i);
        json_object_set_new(decoder, id, special_token(specials[i]));
    }
    return json_pack("{s:o,s:[],s:b,s:s,s:i,s:b,s:i,s:s,s:s,s:s}", "added_tokens_decoder", decoder,
                     "additional_special_tokens", "clean_up_tokenization_spaces", 0, "eos_token", "</s>", "extra_ids",
                     0, "legacy", 1, "model_max_length", 512, "pad_token", "<pad>", "tokenizer_class", "T5Tokenizer",
                     "unk_token", "<unk>");
}

/* Takes the reference of `document`. */
static lofi_code save(json_t *document, const char *folder, const char *name, lofi_error *err) {
    char path[LOFI_PATH_MAX];
    if (document == NULL) return lofi_fail(err, LOFI_ERR_MEMORY, "cannot allocate %s", name);
    lofi_code code = lofi_path_format(path, err, "%s/%s", folder, name);
    if (code == LOFI_OK) code = lofi_json_save(document, path, err);
    json_decref(document);
    return code;
}

lofi_code lofi_small_tokenizer_write(const char *folder, int64_t *vocab_size, lofi_error *err) {
    LOFI_TRY(lofi_library_open(&lofi_library_icuuc, err));
    builder self = {.vocab = json_array()};
    lofi_code code = lofi_token_vocabulary_new(&self.seen, 2048, err);
    if (code == LOFI_OK) code = add_pieces(&self, err);
    if (code == LOFI_OK) code = save(tokenizer_document(self.vocab), folder, "tokenizer.json", err);
    if (code == LOFI_OK) code = save(config_document(), folder, "tokenizer_config.json", err);
    json_t *map = json_pack("{s:s,s:s,s:s}", "eos_token", "</s>", "pad_token", "<pad>", "unk_token", "<unk>");
    if (code == LOFI_OK)
        code = save(map, folder, "special_tokens_map.json", err);
    else
        json_decref(map);
    if (code == LOFI_OK) *vocab_size = self.count;
    lofi_token_vocabulary_free(self.seen);
    json_decref(self.vocab);
    return code;
}

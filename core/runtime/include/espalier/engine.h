/* libespalier-engine: a compressed Transformer on the processor, from C.
 *
 * Every function that can fail says so by its result and leaves the reason, one line of UTF-8, in
 * espalier_last_error(). A model may be used by any number of threads at once. Texts are UTF-8; broken bytes are read
 * as U+FFFD. Start the process with OMP_WAIT_POLICY=passive where several threads call: waiting threads then sleep.
 */
#ifndef ESPALIER_ENGINE_H
#define ESPALIER_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef ESPALIER_ENGINE_BUILDING
#define ESPALIER_API __attribute__((visibility("default")))
#else
#define ESPALIER_API
#endif

typedef struct espalier_model espalier_model;

/* "0.1.0". */
ESPALIER_API const char* espalier_version(void);

/* Why the last call of this thread failed; "" when none has. Valid until the thread's next call that fails. */
ESPALIER_API const char* espalier_last_error(void);

/* Maps a bundle or a Hugging Face folder, packs its weights and reads its tokenizer. `threads` of one call; 0: as many
 * as there are cores. NULL: failed. */
ESPALIER_API espalier_model* espalier_open(const char* folder, int threads);
/* After the last call that uses the model has come back. NULL is let pass. */
ESPALIER_API void espalier_close(espalier_model* model);

typedef struct espalier_info {
  int64_t outputs;       /* values in a row of logits */
  int64_t hidden;        /* values of an embedding */
  int64_t vocabulary;    /* ids are below; of the tokenizer where there is one */
  int64_t max_length;    /* tokens of a sequence; INT64_MAX where nothing limits it */
  int64_t packed_bytes;  /* memory of the packed weights; what stays mapped is not counted */
  int32_t threads;       /* of one call */
  int32_t row_per_token; /* 1: logits have a row a token, not a row a sequence */
  int32_t has_tokenizer; /* 0: the functions that take text fail */
  int32_t generates;     /* 1: espalier_generate works */
} espalier_info;
ESPALIER_API espalier_info espalier_describe(const espalier_model* model);

/* The name of an output, "" where the model gives none. Lives as long as the model. */
ESPALIER_API const char* espalier_label(const espalier_model* model, int64_t output);

/* Token ids of a text, or of a pair where `pair` is not NULL, special tokens included, cut to `max_length` (0: to what
 * the model takes). Writes up to `capacity` ids, and the segment of each to `types` unless that is NULL. The number of
 * tokens there are, which may be more than `capacity`; -1: failed. */
ESPALIER_API int64_t espalier_tokenize(const espalier_model* model, const char* text, const char* pair,
                                       int64_t max_length, int32_t* ids, int32_t* types, int64_t capacity);

/* Logits of sequences that lie end to end: sequence b is ids[starts[b]] to ids[starts[b + 1] - 1], so that nothing is
 * padded. `types` NULL: all 0. `logits` takes (sequences, outputs) floats, or (starts[sequences], outputs) of a model
 * with a row a token. 0, or -1: failed. Models with an encoder and a decoder go through espalier_generate. */
ESPALIER_API int espalier_run(const espalier_model* model, const int32_t* ids, const int32_t* types,
                              const int32_t* starts, int64_t sequences, float* logits);

/* Logits (count, outputs) of texts, or of pairs where `pairs` is not NULL, of a model with a row a sequence.
 * 0, or -1: failed. */
ESPALIER_API int espalier_classify(const espalier_model* model, const char* const* texts, const char* const* pairs,
                                   int64_t count, int64_t max_length, float* logits);

/* Sentence embeddings (count, hidden): the mean of the last layer's rows, of length 1. Encoders only.
 * 0, or -1: failed. */
ESPALIER_API int espalier_embed(const espalier_model* model, const char* const* texts, int64_t count,
                                int64_t max_length, float* embeddings);

/* What a language model writes after `text`, or a translator for it: until there are `max_length` tokens, those of the
 * text counted where the model has no decoder of its own (0: as the model says), with `beams` (0: as the model says, 1:
 * greedy). Writes up to `capacity` bytes, the closing 0 included. The bytes there are without the closing 0; -1:
 * failed. */
ESPALIER_API int64_t espalier_generate(const espalier_model* model, const char* text, int64_t max_length, int64_t beams,
                                       char* out, size_t capacity);

#ifdef __cplusplus
}
#endif
#endif

#ifndef DECISION_PROMPT_H
#define DECISION_PROMPT_H
/* What a prompt says, found by phrases and their surroundings; no model, no guessing. What is not understood is left
 * out: the words stay there for the rules and for later tiers. */

#include "words.h"

#include "codec/json.h"

/* The text (at most DECISION_PROMPT_MAX bytes of it) as
 *
 *   strategies  [{strategy, mood: want|against|maybe, text}] in the order of the text
 *   fields      [{field, value, text}] at most one for each field, the first; fields as in a decision's config, and
 *               "size", "place" (a place's name as in catalogue_place_find())
 *   hints       [{hint, text}] cheap, high-availability, performance, autoscale, idle, production, development, gpu,
 *               high-traffic, low-traffic, stateful, batch; each at most once
 *   words       all different words, in lower case, sorted
 *   warnings    [sentences]
 *
 * A new reference. NULL reads as "". */
json_t *prompt_parse(const char *text);

/* Parts of the parser: each looks for its own things in all words and adds what it finds. */
void prompt_find_strategies(const struct words *w, json_t *out);
void prompt_find_sizes(const struct words *w, json_t *out);  /* replicas, nodes, memory, disk, CPUs, port */
void prompt_find_load(const struct words *w, json_t *out);   /* requests per second, money */
void prompt_find_places(const struct words *w, json_t *out); /* regions, machine types */
void prompt_find_hints(const struct words *w, json_t *out);

/* Is what stands at i denied by a word (not, no, without, avoid, …) at most window words before it? */
bool prompt_is_denied(const struct words *w, size_t i, size_t window);
/* Is it a word that carries no meaning of its own between a denial and what is denied ("want to use a")? */
bool prompt_is_filler(const struct words *w, size_t i);
/* Adds to fields unless the field is there. Steals value. text: words [from, to). */
void prompt_add_field(json_t *out, const char *field, json_t *value, const struct words *w, size_t from, size_t to);
void prompt_warn(json_t *out, const char *fmt, ...) _printf_(2, 3);

#endif

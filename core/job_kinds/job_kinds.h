#pragma once
// The kinds of job and the JSON that goes in and comes out: the contract between worker, command line and window.
// Every kind takes "model" (folder, bundle or "lab") and "task" ("lab", folder or file) where it has use for them;
// paths are absolute. "max_length" (128; of questions with contexts 384) cuts examples, "split" is the dev split unless
// it is said. Where train and evaluate read data, "task_options" (members of TaskOptions) say how its files are read,
// and lengths.h lists the lengths: "max_length", "stride", "max_query", "block_length", "max_source_length",
// "max_target_length".
//
// run_recipe
//   settings  {"recipe": Recipe, "name", "workspace" (folder; empty: the default one), "no_cache": bool, "max_length",
//             and the energy settings}
//   results   {"kind": "run", "run": id}, then {"kind": "row", "run": id, "index": i, "row": Row} a step
//   answer    {"run": id, "rows": [Row], "front": [rows on the accuracy-bytes front], "workspace": folder}
// train, into output_folder; a training that was stopped continues when it is started again
//   settings  {"model", "task", "train_split", "dev_split", "options": {members of TrainOptions}, "max_length",
//             "device", "teacher" (optional: a model of the same task and vocabulary), "masked_frac" (0.15, of a masked
//             language model)}; instead of "model" {"architecture": {...}, "tokenizer": folder or "lab"}: from scratch
//   metrics   "loss", "learning_rate", "dev_metric"
//   answer    {"bundle", "train": TrainReport, "quality": members of Row; translations: greedy, of the first 200
//             sentences}
// evaluate
//   settings  {"model", "task", "split", "max_examples", "max_length", "latency": bool, "baseline": model (optional),
//             "shifted_task", "shifted_split" (optional: a second set, out of distribution; without a task another
//             split of this one), "predictions" (optional: file to write; .tsv as GLUE, .jsonl as SuperGLUE wants
//             them, .json of SQuAD, a word and its tag or a translation a line; the split may then be unlabelled),
//             "beams" (of translations; 0: as the model says), "null_threshold" (0) and "max_answer" (30) of questions,
//             and the energy settings}
//   answer    Row
// energy settings: "tdp_watts" (of the processor; 0: not known), "region" ("world" or a code of the table),
//   "g_per_kwh" (in place of the region's)
// attack: TextFooler against the engine
//   settings  {"model", "task", "split", "max_examples" (200), "max_length", "candidates": "wordnet" or "embeddings"
//             (empty: WordNet where it is installed), "wordnet" (folder of its database; empty: the installed one)}
//   results   {"kind": "adversary", "index", "text", "adversary" and, of pairs, "pair", "adversary_pair", "label",
//             "predicted", "queries", "changed"} an example that fell
//   answer    {"examples", "skipped", "failed", "succeeded", "clean_accuracy", "after_attack_accuracy",
//             "attack_success_rate" (each with _low, _high), "mean_queries", "mean_changed_frac", "candidates",
//             "part_of_speech", "similarity", "split", "kernels", "seconds", "adversaries": [members of the results],
//             "warnings"}
// flips: answers that changed from the baseline to the model; "members" and "index" count examples from 0
//   settings  {"model", "baseline", "task", "split", "max_examples" (0: all), "max_length", "least_examples" (10, of a
//             word's slice), "rows": "changed" or "all"}
//   answer    counts of the whole set, "labels", "split", "baseline_confusion", "confusion": [gold][answer], "between":
//             [baseline's answer][model's answer], "slices": [{"by": "length", "label", "loss" (quarters of the
//             baseline's, nats) or "word", "name", "members", counts}], "words_tested", "rows": [{"index", "kind":
//             "lost", "gained", "moved", "same_right" or "same_wrong", "text", "pair" (of pairs), "gold",
//             "baseline_answer", "answer", "baseline_probability", "probability" (of the own answer),
//             "baseline_gold_probability", "gold_probability", "baseline_loss", "loss"}], "warnings"
//   counts    "examples", "lost", "gained", "moved", "baseline_accuracy", "accuracy" (with _low, _high), "mcnemar_p"
// head_importance, unit_importance
//   settings  {"model", "task", "split", "average": "example" or "token", "max_examples", "max_length"}
//   answer    {"heads" or "units": [[scores of a layer]], "kept": [[head numbers]], "examples", "seconds", "accuracy"}
// importance: by several criteria (criteria.h); the job's seed is that of the random order and of learnt gates
//   settings  {"model", "task", "of": "heads", "units" or "layers", "criteria": [names] (none: those that take no pass
//             over the data for every unit), "average" (Michel's: "example" or, of heads and units, "token"), "split",
//             "max_examples" (1000, of each split), "max_length", "gate_steps", "gate_penalty", "curve": bool,
//             "curve_split", "curve_step" (0: a 24th of all), "tolerance" (0.01)}
//   results   {"kind": "criterion", "criterion": member of the answer} one by one without its curve, then {"kind":
//             "point", "criterion": name, "point": member of its curve} as it is measured, and the criterion with it
//   answer    {"of", "criteria": [{"criterion", "scores": [[of a layer]], "seconds", of Michel "average", with a curve
//             "curve": [{"removed", "accuracy", "accuracy_low", "accuracy_high"}], "within" (the most that can go
//             within the tolerance), "curve_seconds"}], "agreement": [[Kendall's tau-b of two criteria]], "kept":
//             [[numbers]], "examples", "split", "max_length", "seed", "curve_split", "curve_examples", "tolerance",
//             "warnings"}
// whatif: accuracy after edits, as estimates (measure/what_if.h); the model and what was kept of it stay for the next
// job of the same runner with the same model, task, split and lengths. The job's seed is that of the order of examples
//   settings  {"model", "task", "split", "max_examples" (0: all), "max_length", "edits": [[parts of one edit, see
//             edits.h]], "each": "heads" or "layers" (one edit for every one of the model), "half_width" (0.01, of
//             accuracy's interval; 0: every example is run), "keep_bytes" (512 MiB: for kept layer inputs),
//             "open_only": bool (no edit need be given: the next question finds the session)}
//   results   {"kind": "estimate", "edit": i, "ms" (since the question), "examples_run", "examples", "lost", "gained"
//             (among those run), "settled", "accuracy", "changed_frac" (answers that changed; both with _low, _high),
//             "baseline_accuracy"} a batch
//   answer    {"baseline_accuracy" (_low, _high: Wilson), "examples", "split", "half_width", "parameters",
//             "kept_bytes", "warm": bool, "open_seconds" (0 when warm), "edits": [members of the last estimate, "edit",
//             "text", "first_ms", "settled_ms", "first_changed_layer" (null: all anew), "parameters"], "warnings"}
// attention; of a model with a decoder too
//   settings  {"model", "text", "pair" (optional), "target" (what a decoder reads; empty: what the model writes), and
//             for one head's matrix "layer", "head" (places in the model as it is), "stack": "encoder", "decoder" or
//             "cross"}
//   answer    {"tokens", "offsets", "type_ids", "probabilities", "labels", "measures": {"entropy" (nats), "distance"
//             (tokens), "first", "separators", "previous", "next" (shares): [[of a layer's heads]]}, and of a decoder
//             "target_tokens", "decoder_measures", "cross_measures" (null where a measure has no meaning), "matrix":
//             [[of a query]], "file": safetensors in output_folder, where one is given, with "attentions.N" (heads, n,
//             n), "decoder_attentions.N", "cross_attentions.N"}
// attention_average
//   settings  {"model", "task" (of a decoder: translation), "split", "max_examples" (200; 0: all), "max_length"}
//   answer    {"measures", "decoder_measures", "cross_measures": {"entropy": {"mean", "low", "high": [[of a layer's
//             heads]]}, ...}, "examples", "split"}
// weights: all, or one by name; the second model's under "other" and in "difference"
//   settings  {"model", "name" (empty: all), "other" (model, optional), "bits": [2 to 8], "rank" (0: none)}
//   answer    {"weights": [{"slot", "form", "shape", "bytes", "shared_with", "statistics": {"rows", "cols", "zeros",
//             "non_finite", "min", "max", "mean", "std", "l2_norm", "abs_quantiles": [{"share", "abs"}], "outliers",
//             "outlier_frac", "outlier_deviations"}, "difference": {"relative_error", "sqnr_db", "cosine", "max_abs",
//             "equal", "sign_changes"} or "other_shape", "other_form"}]}, or "weight": the same with "histogram":
//             {"low", "high", "counts"}, "row_norms", "column_norms", "row_ranges", "column_ranges": {"min", "max",
//             "largest_over_median"}, and of matrices "spectrum": {"values", "dense_bytes", "ranks", "at_rank":
//             {"rank", "energy", "relative_error", "bytes"}}, "quantization": [{"bits", "scale_of": "row" or "matrix",
//             "bytes", members of "difference"}], "other": the same of the second model. null: infinite
// activations: embeddings and the output of every layer
//   settings  {"model", "task", "split", "max_examples" (500; 0: all), "max_length", "baseline" (model, optional)}
//   answer    {"layers": [{"min", "max", "mean", "std", "channel_min", "channel_max", "outlier_values",
//             "outlier_channels" (count), "largest_outlier_channels": [{"channel", "token_frac", "min", "max"}]}],
//             "outlier_features": [channels], "cka": [[of two layers]], "examples", "tokens", "split", "warnings", and
//             with a baseline "baseline_layers", "baseline_outlier_features", "baseline_cka": [layer][baseline's]}
// saliency; the job's seed is that of SmoothGrad's noise
//   settings  {"model", "text", "pair" (optional), "label" (-1: the predicted one), "method" (gradient_x_input; others
//             in introspect.h), "steps", "samples", "noise"}
//   answer    {"tokens", "offsets", "type_ids", "scores", "probabilities", "labels", "explained_label", "method", and
//             of integrated gradients "explained_change", "completeness_error"}
// saliency_score, on the lab
//   settings  {"model", "split", "max_examples" (200; 0: all), "methods": [names] (none: all), "steps", "samples"}
//   answer    {"methods": [{"method", "seconds", "precision_at_k", "auc", "completeness_error" (each with _low,
//             _high)}], "chance", "examples", "split"}
// methods
//   answer    {"methods": [{"id", "title", "family", "anchors", "paper", "summary", "hosts", "page",
//             "settings": [Setting], "needs": {with default settings}}]}
// check
//   settings  {"recipe": Recipe, "max_length"}
//   answer    {"issues": [{"step": position in the recipe, "key", "message"}], "estimates": [{"bundle_bytes",
//             "parameters", "macs", "job_seconds", "peak_bytes"}]: the baseline, then every enabled step}
// examples
//   settings  {"task", "model" (optional: names the labels), "split", "offset", "count"}
//   answer    {"examples": [{"text", "pair", "label", "evidence": [[begin, end]]}], "total", "labels", "split",
//             "splits", "skipped": {"count", "first_reasons"}}
// export, as ONNX
//   settings  {"model", "onnx": file NAME.onnx, or folder for model.onnx and the tokenizer's files, "form": "stored",
//             "float", "int8" or "qdq"}
//   answer    {"file", "data" (of tensors beyond 2 GB; else empty), "bytes", "nodes", "initializers", "inputs",
//             "outputs", "notes": [where the file means something else than the engine computes]}; the file was read
//             back and checked
//
// Row; members that were not measured are absent:
//   {"step" (0: the baseline), "method", "methods": [of all steps so far], "settings", "hash", "parent", "bundle",
//   "cached": bool, "bundle_bytes", "parameters", "macs" (128 tokens), "latency_ms_p10", "latency_ms_p50",
//   "latency_ms_p90", "latency_batch", "latency_length", "latency_threads", "latency_new_tokens" (of a decoder),
//   "speedup" (against the baseline timed in turn), "kernels", "cpu_model",
//   "split", "examples", "accuracy", "accuracy_low", "accuracy_high", "f1", "f1_low", "f1_high", "mcc", "mcc_low",
//   "mcc_high", "calibration_error", "nll" (nats), "pearson", "spearman", "in_scope_accuracy", "out_of_scope_recall"
//   (all with _low and _high), "mcnemar_p", and by paired bootstrap "f1_p", "mcc_p", "pearson_p", "spearman_p";
//   "metric" (the member to judge by), "quality_basis" (how it was measured, where that is not plain), of tags "words",
//   "accuracy" (of words), "span_f1", "span_precision", "span_recall", "accuracy_p", "span_f1_p"; of questions
//   "windows", "exact", "f1", "exact_p" (McNemar), "token_f1_p" (approximate randomization) and, where some have no
//   answer, "has_answer_exact", "has_answer_f1", "no_answer_exact", "best_exact", "best_exact_threshold", "best_f1",
//   "best_f1_threshold"; of running text "tokens", "words", "characters", "token_log_likelihood" (nats), "perplexity",
//   "word_perplexity", "character_perplexity" or "masked_perplexity", "token_log_likelihood_p"; of translations "bleu"
//   (0..100), "bleu_signature", "brevity_penalty", "beams", "bleu_p" (figures with _low, _high); "label_loyalty",
//   "probability_loyalty", "fidelity_kl" (nats; _low, _high); "energy_j" (one inference, conditions of the latency),
//   "energy_source" ("rapl": measured, "estimated"), "energy_basis" (text), "co2_ug" (one inference, micrograms),
//   "co2_region", "co2_g_per_kwh", "co2_source" (text); "shifted_split", "shifted_accuracy" (_low, _high),
//   "accuracy_drop", "baseline_accuracy_drop", "relative_gap"; "report": {the method's own}, "seconds", "warnings":
//   [text], "resident_bytes" (what the engine packs beside the mapped file), "ledger": [what the engine does with each
//   weight that the step changed, and why it costs what it did; see ledger.h], "notes": [why a number did not move]}

#include "jobs/job.h"

namespace espalier {

// Every kind above.
JobKinds builtin_job_kinds();

}  // namespace espalier

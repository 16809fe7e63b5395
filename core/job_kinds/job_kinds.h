#pragma once
// The kinds of job and the JSON that goes in and comes out: the contract between worker, command line and window.
// Every kind takes "model" (folder, bundle or "lab") and "task" ("lab", folder or file) where it has use for them;
// paths are absolute. "max_length" (128) cuts examples, "split" is the dev split unless it is said.
//
// run_recipe
//   settings  {"recipe": Recipe, "name", "workspace" (folder; empty: the default one), "no_cache": bool, "max_length",
//             and the energy settings}
//   results   {"kind": "run", "run": id}, then {"kind": "row", "run": id, "index": i, "row": Row} a step
//   answer    {"run": id, "rows": [Row], "front": [rows on the accuracy-bytes front], "workspace": folder}
// train, into output_folder; a training that was stopped continues when it is started again
//   settings  {"model", "task", "train_split", "dev_split", "options": {members of TrainOptions}, "max_length",
//             "device"}; instead of "model" {"architecture": {...}, "tokenizer": folder or "lab"}: from scratch
//   metrics   "loss", "learning_rate", "dev_metric"
//   answer    {"bundle", "train": TrainReport, "quality": members of Row}
// evaluate
//   settings  {"model", "task", "split", "max_examples", "max_length", "latency": bool, "baseline": model (optional),
//             "shifted_task", "shifted_split" (optional: a second set, out of distribution; without a task another
//             split of this one), "predictions" (optional: file to write; .tsv as GLUE, .jsonl as SuperGLUE wants
//             them; the split may then be unlabelled), and the energy settings}
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
// head_importance, unit_importance
//   settings  {"model", "task", "split", "average": "example" or "token", "max_examples", "max_length"}
//   answer    {"heads" or "units": [[scores of a layer]], "kept": [[head numbers]], "examples", "seconds", "accuracy"}
// attention
//   settings  {"model", "text", "pair" (optional)}
//   answer    {"tokens", "offsets", "type_ids", "probabilities", "labels", "file": safetensors in output_folder with
//             "attentions.N" (heads, n, n)}
// saliency
//   settings  {"model", "text", "pair" (optional), "label" (-1: the predicted one)}
//   answer    {"tokens", "offsets", "type_ids", "scores", "probabilities", "labels", "explained_label", "method"}
// saliency_score, on the lab
//   settings  {"model", "split", "max_examples"}
//   answer    {"precision_at_k", "chance", "auc", "examples", "split"}
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
//             "outputs", "notes": [where the file means something else than the engine computes]}; the file was read back
//             and checked
//
// Row; members that were not measured are absent:
//   {"step" (0: the baseline), "method", "methods": [of all steps so far], "settings", "hash", "parent", "bundle",
//   "cached": bool, "bundle_bytes", "parameters", "macs" (128 tokens), "latency_ms_p10", "latency_ms_p50",
//   "latency_ms_p90", "latency_batch", "latency_length", "latency_threads", "speedup" (against the baseline timed in
//   turn), "kernels", "cpu_model", "split", "examples", "accuracy", "accuracy_low", "accuracy_high", "f1", "f1_low",
//   "f1_high", "mcc", "mcc_low", "mcc_high", "calibration_error", "nll" (nats), "pearson", "spearman",
//   "in_scope_accuracy", "out_of_scope_recall" (all with _low and _high), "mcnemar_p", and by paired bootstrap "f1_p",
//   "mcc_p", "pearson_p", "spearman_p"; "label_loyalty", "probability_loyalty", "fidelity_kl" (nats; _low, _high);
//   "energy_j" (one inference, conditions of the latency), "energy_source" ("rapl": measured, "estimated"),
//   "energy_basis" (text), "co2_ug" (one inference, micrograms), "co2_region", "co2_g_per_kwh", "co2_source" (text);
//   "shifted_split", "shifted_accuracy" (_low, _high), "accuracy_drop", "baseline_accuracy_drop", "relative_gap";
//   "report": {the method's own}, "seconds", "warnings": [text], "notes": [why a number did not
//   move]}

#include "jobs/job.h"

namespace espalier {

// Every kind above.
JobKinds builtin_job_kinds();

}  // namespace espalier

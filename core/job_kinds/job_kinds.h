#pragma once
// The kinds of job and the JSON that goes in and comes out: the contract between worker, command line and window.
//
// Common settings members: "model" (folder, bundle or "lab"), "task" ("lab", folder or file), "device" ("cpu"),
// "workspace" (folder; empty: the default one). Paths are absolute.
//
// run_recipe       settings {"recipe": Recipe, "name", "workspace", "no_cache": bool}
//                  results  {"kind": "run", "run": id}, then {"kind": "row", "run": id, "index": i, "row": Row} a step
//                  answer   {"run": id, "rows": [Row], "front": [indices of rows on the accuracy-bytes front]}
// train            settings {"model", "task", "train_split", "dev_split", "options": {TrainOptions members},
// "max_length",
//                            "architecture": {...} (instead of "model": from scratch, needs "tokenizer": folder or
//                            "lab")}
//                  output_folder: the bundle; metrics "loss", "learning_rate", "dev_metric"
//                  answer   {"bundle", "train": TrainReport, "quality": Quality}
// evaluate         settings {"model", "task", "split", "max_examples", "latency": bool, "baseline": folder (optional)}
//                  answer   Row
// head_importance  settings {"model", "task", "split", "average": "example"|"token", "max_examples"}
//                  answer   {"heads": [[layer scores]], "kept": [[head numbers]], "examples", "seconds", "accuracy"}
// unit_importance  the same: {"units": [[layer scores]], ...}
// attention        settings {"model", "text", "pair" (optional)}, answer {"tokens", "offsets", "probabilities",
// "labels",
//                  "file": safetensors in output_folder with "attentions.N" (heads, n, n)}
// saliency         settings {"model", "text", "pair", "label" (-1: predicted)}, answer {"tokens", "offsets", "scores",
//                  "probabilities", "labels", "explained_label", "method": "gradient_x_input"}
// saliency_score   settings {"model", "split", "max_examples"} on the lab, answer {"precision_at_k", "chance", "auc",
// "examples"} methods          answer   {"methods": [{"id", "title", "family", "anchors", "paper", "summary", "hosts",
// "page",
//                            "settings": [Setting], "needs": {of default settings}}]}
// check            settings {"recipe"}; answer {"issues": [{"step": i, "key", "message"}], "estimates":
// [{"bundle_bytes",
//                  "parameters", "macs", "job_seconds", "peak_bytes"}] (baseline first, one an enabled step)}
// examples         settings {"task", "split", "offset", "count"}; answer {"examples": [{"text", "pair", "label",
// "evidence"}],
//                  "total", "labels", "skipped"}
//
// Row: {"step": 0 for the baseline, "method", "methods": [all up to here], "settings", "hash", "parent", "bundle",
// "cached": bool, "bundle_bytes",
//   "parameters", "macs" (batch 1, length 128), "latency_ms_p10", "latency_ms_p50", "latency_ms_p90", "latency_batch",
//   "latency_length", "latency_threads", "kernels", "split", "examples", "accuracy", "accuracy_low", "accuracy_high",
//   "f1", "f1_low", "f1_high", "mcc", "mcc_low", "mcc_high", "mcnemar_p", "label_loyalty", "probability_loyalty",
//   "report": {...the method's own}, "seconds", "warnings": [text], "notes": [why a number did not move]}
// Members that were not measured are absent.

#include "jobs/job.h"

namespace espalier {

// Every kind above.
JobKinds builtin_job_kinds();

}  // namespace espalier

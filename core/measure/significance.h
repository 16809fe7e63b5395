#pragma once
// Paired tests of two models on the same examples. Proportions: McNemar. Means of one score an example (token F1,
// squared error): approximate randomization. Measures of the whole set (F1, Matthews, correlations, BLEU): paired
// bootstrap. All are two-sided.

#include "measure/interval.h"

namespace espalier {

// McNemar test on the examples where exactly one of two models is right: exact binomial below 50 such examples,
// chi-square with continuity correction above.
double mcnemar_p(const std::vector<bool>& baseline_right, const std::vector<bool>& right);

// Approximate randomization of a difference of means (Noreen 1989): the share of 1,000 random swaps of the two sides,
// example by example, with a difference at least as large as the one seen; (count + 1) / (rounds + 1).
double randomization_p(const std::vector<double>& baseline_scores, const std::vector<double>& scores,
                       uint64_t seed = kBootstrapSeed);

// A difference to the baseline with its interval, and the p of no difference.
struct PairedDifference {
  Interval difference;  // other - baseline
  double p = 1;
};

// Paired bootstrap (Koehn 2004): both models are measured on the same 1,000 resamples of n examples. p is the share of
// resamples whose difference, shifted to mean zero, is at least as large as the one seen; (count + 1) / (rounds + 1).
PairedDifference paired_bootstrap(size_t n, const Statistic& baseline, const Statistic& other,
                                  uint64_t seed = kBootstrapSeed);

}  // namespace espalier

// `espalier weights`: statistics of every weight, or everything about one: histogram, channels, spectrum, quantization.

#include <fmt/format.h>

#include <algorithm>

#include "app/cli/look_verbs.h"
#include "formats/atomic_file.h"
#include "job_kinds/look_figures.h"

namespace espalier::cli {
namespace {

struct Options {
  std::string model, name, other, svg;
  std::vector<int> bits = {8, 6, 4, 3, 2};
  int64_t rank = 0;
};

std::string number_text(const Json& json, const char* format = "{:.3g}") {
  return json.is_null() ? "inf" : fmt::format(fmt::runtime(format), json.get<double>());
}

void print_all(const Json& answer, bool compared) {
  std::vector<std::string> headers = {"slot", "form", "shape", "zeros %", "mean", "std", "largest", "outliers %"};
  if (compared) headers.insert(headers.end(), {"relative error", "cosine"});
  TextTable table(headers);
  for (const Json& weight : answer.at("weights")) {
    const Json& statistics = weight.at("statistics");
    const double count = statistics.at("rows").get<double>() * statistics.at("cols").get<double>();
    std::vector<std::string> row = {
        weight.at("slot"),
        weight.at("form"),
        weight.at("shape").dump(),
        fmt::format("{:.1f}", 100 * statistics.at("zeros").get<double>() / count),
        number_text(statistics.at("mean")),
        number_text(statistics.at("std")),
        fmt::format("{:.3g}", std::max(-statistics.at("min").get<double>(), statistics.at("max").get<double>())),
        fmt::format("{:.3f}", 100 * statistics.at("outlier_frac").get<double>())};
    if (compared) {
      const bool same_shape = weight.contains("difference");
      row.push_back(same_shape ? number_text(weight["difference"]["relative_error"]) : "");
      row.push_back(same_shape ? number_text(weight["difference"]["cosine"], "{:.4f}") : "other shape");
    }
    table.add(row);
  }
  table.print(2);
  fmt::print("\noutliers: log density below -4 under the Gaussian of the weight's own mean and deviation (GOBO)\n");
  if (compared) fmt::print("relative error: Frobenius norm of the difference over that of the weight\n");
}

void print_statistics(const Json& weight, const Json* other) {
  TextTable table(other != nullptr ? std::vector<std::string>{"", "this model", "the other"}
                                   : std::vector<std::string>{"", ""});
  const auto line = [&](const std::string& name, const auto& text_of) {
    std::vector<std::string> row = {name, text_of(weight)};
    if (other != nullptr) row.push_back(text_of(*other));
    table.add(row);
  };
  const auto statistic = [](const char* member) {
    return [member](const Json& of) { return number_text(of.at("statistics").at(member), "{:.5g}"); };
  };
  line("form", [](const Json& of) { return of.at("form").get<std::string>(); });
  line("shape", [](const Json& of) { return of.at("shape").dump(); });
  line("bytes", [](const Json& of) { return bytes_text(of.at("bytes").get<double>()); });
  for (const char* member : {"min", "max", "mean", "std", "l2_norm"}) line(member, statistic(member));
  line("zeros", [](const Json& of) { return std::to_string(of.at("statistics").at("zeros").get<int64_t>()); });
  line("outliers", [](const Json& of) {
    const Json& s = of.at("statistics");
    return fmt::format("{} ({:.3f} %), beyond {} std", s.at("outliers").get<int64_t>(),
                       100 * s.at("outlier_frac").get<double>(), number_text(s.at("outlier_deviations")));
  });
  for (const auto& [member, name] : {std::pair("row_ranges", "largest row range / median"),
                                     std::pair("column_ranges", "largest column range / median")}) {
    line(name, [member = member](const Json& of) { return number_text(of.at(member).at("largest_over_median")); });
  }
  table.print();
}

void print_histogram(const Json& histogram) {
  // 25 lines of counts; a bar of at most 50 signs.
  constexpr size_t kLines = 25, kWidth = 50;
  const auto counts = histogram.at("counts").get<std::vector<int64_t>>();
  const double low = histogram.at("low"), high = histogram.at("high");
  std::vector<int64_t> lines(std::min(kLines, counts.size()), 0);
  for (size_t i = 0; i < counts.size(); ++i) lines[i * lines.size() / counts.size()] += counts[i];
  const int64_t most = std::max<int64_t>(1, *std::ranges::max_element(lines));
  TextTable table({"from", "values", ""});
  for (size_t i = 0; i < lines.size(); ++i) {
    // A line begins at its first bin.
    const size_t bin = (i * counts.size() + lines.size() - 1) / lines.size();
    const double from = low + (high - low) * static_cast<double>(bin) / static_cast<double>(counts.size());
    const auto signs = static_cast<size_t>(lines[i] * static_cast<int64_t>(kWidth) / most);
    const std::string bar(lines[i] > 0 ? std::max<size_t>(signs, 1) : 0, '#');
    table.add({fmt::format("{:.4f}", from), std::to_string(lines[i]), bar + std::string(kWidth - bar.size(), ' ')});
  }
  fmt::print("\nhistogram\n");
  table.print(0);
}

void print_spectrum(const Json& spectrum) {
  TextTable table({"rank", "energy %", "relative error", "bytes as two factors", "of the dense bytes %"});
  Json ranks = spectrum.at("ranks");
  if (spectrum.contains("at_rank")) ranks.push_back(spectrum["at_rank"]);
  for (const Json& rank : ranks) {
    const double bytes = rank.at("bytes");
    table.add({std::to_string(rank.at("rank").get<int64_t>()),
               fmt::format("{:.2f}", 100 * rank.at("energy").get<double>()),
               fmt::format("{:.4f}", rank.at("relative_error").get<double>()), bytes_text(bytes),
               fmt::format("{:.1f}", 100 * bytes / spectrum.at("dense_bytes").get<double>())});
  }
  fmt::print("\nsingular spectrum: {} values from {:.4g} to {:.4g}; float32 bytes\n", spectrum.at("values").size(),
             spectrum["values"].front().get<double>(), spectrum["values"].back().get<double>());
  table.print();
}

void print_quantization(const Json& quantization) {
  TextTable table({"bits", "scale of", "relative error", "SQNR dB", "largest error", "bytes"});
  for (const Json& line : quantization) {
    table.add({std::to_string(line.at("bits").get<int>()), line.at("scale_of"), number_text(line.at("relative_error")),
               number_text(line.at("sqnr_db"), "{:.1f}"), number_text(line.at("max_abs")),
               bytes_text(line.at("bytes").get<double>())});
  }
  fmt::print("\nquantized, symmetric round to nearest\n");
  table.print();
}

void print_difference(const Json& difference) {
  fmt::print(
      "\nagainst the other: relative error {}, cosine {:.5f}, largest difference {:.4g}, {} equal values, {} changes "
      "of sign\n",
      number_text(difference.at("relative_error")), difference.at("cosine").get<double>(),
      difference.at("max_abs").get<double>(), difference.at("equal").get<int64_t>(),
      difference.at("sign_changes").get<int64_t>());
}

}  // namespace

void add_weights(Program& program) {
  CLI::App* verb = program.add_verb(
      "weights", "Statistics of the weights, or all about one: histogram, channels, spectrum, quantization error",
      "espalier weights lab encoder.0.ffn.in_proj.weight --rank 16 --svg weight.svg");
  auto options = std::make_shared<Options>();
  verb->add_option("model", options->model, "Hugging Face folder, bundle, or lab")->required();
  auto* name = verb->add_option("name", options->name, "One weight; without it all are listed");
  verb->add_option("--with", options->other, "A second model to compare the same weights with");
  verb->add_option("--rank", options->rank, "Bytes and error of the best approximation of this rank")
      ->check(above_zero())
      ->needs(name);
  verb->add_option("--bits", options->bits, "Bits whose quantization error is shown, 2 to 8")
      ->delimiter(',')
      ->capture_default_str()
      ->check(between(2, 8))
      ->needs(name);
  verb->add_option("--svg", options->svg, "Write histogram and spectrum as a figure")->needs(name);
  program.on_run(verb, [&program, options] {
    JobSpec spec;
    spec.kind = "weights";
    spec.settings = {{"model", absolute_or_name(options->model)},
                     {"name", options->name},
                     {"other", absolute_or_name(options->other)},
                     {"rank", options->rank},
                     {"bits", options->bits}};
    const Json answer = program.run_job(spec);
    if (!options->svg.empty()) {
      write_file_atomically(options->svg, weight_svg(answer, options->model, options->other));
    }
    if (program.json()) return program.print_json(answer);
    if (options->name.empty()) return print_all(answer, !options->other.empty());
    const Json& weight = answer.at("weight");
    print_statistics(weight, weight.contains("other") ? &weight["other"] : nullptr);
    if (weight.contains("difference")) print_difference(weight["difference"]);
    print_histogram(weight.at("histogram"));
    if (weight.contains("spectrum")) print_spectrum(weight["spectrum"]);
    if (weight.contains("quantization")) print_quantization(weight["quantization"]);
  });
}

}  // namespace espalier::cli

#include "job_kinds/ledger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>

#include "base/rng.h"
#include "job_kinds/notes.h"
#include "tests/job_kinds/tiny_task.h"
#include "tests/measure/tiny_model.h"

namespace espalier::test {
namespace {

Model changed(const Model& model, const std::function<Weight(const Slot&, const Tensor&)>& change) {
  Model made = model;
  for (const Slot& slot : slots_of(model.architecture)) {
    if (slot.kind != SlotKind::Linear) continue;
    made.weights.replace(slot.name, change(slot, materialize(model.weight(slot.name))));
  }
  return made;
}

Weight kept_of(const Tensor& values, int64_t of_ten) {
  std::vector<bool> keep(static_cast<size_t>(values.numel()));
  for (size_t i = 0; i < keep.size(); ++i) keep[i] = static_cast<int64_t>(i * 7 % 10) < of_ten;
  return make_masked(values, keep);
}

// At random, so that no zeros come in blocks.
Weight two_of_four(const Tensor& values) {
  Rng rng(6);
  std::vector<bool> keep(static_cast<size_t>(values.numel()), true);
  for (size_t i = 0; i + 4 <= keep.size(); i += 4) {
    const uint64_t first = rng.below(4);
    keep[i + first] = keep[i + (first + 1 + rng.below(3)) % 4] = false;
  }
  return make_masked(values, keep);
}

Weight of_rank(const Tensor& values, int64_t rank) {
  const auto ones = [](int64_t rows, int64_t columns) {
    return share(Dense{Tensor::from(Shape{rows, columns}, std::vector<float>(static_cast<size_t>(rows * columns), 1))});
  };
  return LowRank{ones(values.size(0), rank), ones(rank, values.size(1))};
}

struct Books {
  Model model;
  std::vector<PlanEntry> plan;
  std::vector<LedgerLine> ledger;
  std::vector<std::string> notes;
};

Books books_of(const Model& before, const Model& after) {
  Books books;
  books.model = after;
  books.plan = Engine(after, {.threads = 1}).plan();
  books.ledger = ledger_of(books.plan, Engine(before, {.threads = 1}).plan(), after);
  books.notes = ledger_notes(books.ledger, after);
  return books;
}

const LedgerLine& line_of(const Books& books, std::string_view slot) {
  for (const LedgerLine& line : books.ledger) {
    if (line.now.slot == slot) return line;
  }
  throw std::out_of_range(std::string(slot));
}

bool says(const Books& books, const std::string& text) {
  return std::ranges::any_of(books.notes,
                             [&](const std::string& note) { return note.find(text) != std::string::npos; });
}

constexpr const char* kFfn = "encoder.0.ffn.in_proj";

TEST(Ledger, EveryLineIsThePlansLine) {
  const Model model = tiny_model();
  Rng rng(11);
  for (int i = 0; i < 20; ++i) {
    const Model after = changed(model, [&](const Slot&, const Tensor& values) -> Weight {
      switch (rng.below(6)) {
        case 0:
          return kept_of(values, 1);
        case 1:
          return kept_of(values, 8);
        case 2:
          return of_rank(values, 1 + static_cast<int64_t>(rng.below(20)));
        case 3:
          return quantize_symmetric(values, 8, true, ActivationRange::PerToken);
        case 4:
          return quantize_symmetric(values, 3, true, ActivationRange::Float);
        default:
          return Dense{values};
      }
    });
    const Books books = books_of(model, after);
    ASSERT_EQ(books.ledger.size(), books.plan.size());
    std::map<std::string, const PlanEntry*> plan;
    for (const PlanEntry& entry : books.plan) plan[entry.slot] = &entry;
    for (const Json& line : ledger_json(books.ledger)) {
      const PlanEntry& entry = *plan.at(line.at("slot"));
      EXPECT_EQ(line.at("kernel"), entry.kernel);
      EXPECT_EQ(line.at("resident_bytes"), entry.resident_bytes);
      EXPECT_EQ(line.at("multiplications"), entry.multiplications);
      const bool sparse = entry.kernel.find("kept, sparse") != std::string::npos;
      const Json& why = line.at("why");
      if (sparse) {
        EXPECT_EQ(std::count(why.begin(), why.end(), Json("zeros")), 0) << entry.kernel;
      }
    }
  }
}

TEST(Ledger, SaysWhereZerosAreMultiplied) {
  const Model model = tiny_model();
  const Books dense =
      books_of(model, changed(model, [](const Slot&, const Tensor& values) { return kept_of(values, 8); }));
  const LedgerLine& line = line_of(dense, kFfn);
  EXPECT_TRUE(line.has(Held::Zeros));
  EXPECT_EQ(line.now.multiplications, 16 * 32);
  EXPECT_LT(line.needed, line.now.multiplications);
  EXPECT_TRUE(says(dense, "Zeros are multiplied in"));
  EXPECT_TRUE(says(dense, "% kept: dense is faster")) << "a kernel of the plan is named";
  const Books sparse =
      books_of(model, changed(model, [](const Slot&, const Tensor& values) { return kept_of(values, 1); }));
  EXPECT_FALSE(line_of(sparse, kFfn).has(Held::Zeros));
  EXPECT_LT(line_of(sparse, kFfn).now.multiplications, 16 * 32);
  EXPECT_FALSE(says(sparse, "Zeros are multiplied"));
}

TEST(Ledger, SaysThatAPatternRunsDense) {
  const Model model = tiny_model();
  const Books books =
      books_of(model, changed(model, [](const Slot&, const Tensor& values) { return two_of_four(values); }));
  EXPECT_TRUE(line_of(books, kFfn).has(Held::Pattern));
  EXPECT_TRUE(says(books, "Two of each four"));
}

TEST(Ledger, SaysWhatIsSharedAndStillComputed) {
  const Model model = tiny_model();
  Model after = model;
  for (const Slot& slot : slots_of(model.architecture)) {
    if (!slot.layer || slot.layer->value != 1) continue;
    std::string first = slot.name;
    first.replace(first.find(".1."), 3, ".0.");
    after.weights.share(slot.name, first);
  }
  const Books books = books_of(model, after);
  const LedgerLine& line = line_of(books, "encoder.1.ffn.in_proj");
  EXPECT_TRUE(line.has(Held::Shared));
  EXPECT_EQ(line.now.resident_bytes, 0);
  EXPECT_EQ(line.now.multiplications, line.before->multiplications);
  EXPECT_FALSE(line_of(books, kFfn).has(Held::Shared));
  EXPECT_TRUE(says(books, "still computed at every place"));
  EXPECT_FALSE(says(books_of(after, after), "still computed")) << "nothing that this step did";
}

TEST(Ledger, SaysWhereARankIsTooHigh) {
  const Model model = tiny_model();
  const auto rank = [&](int64_t r) {
    return books_of(model, changed(model, [&](const Slot& slot, const Tensor& values) -> Weight {
                      return slot.name == std::string(kFfn) + ".weight" ? of_rank(values, r) : Dense{values};
                    }));
  };
  // 32 x 16: 512 numbers, 48 a rank.
  EXPECT_FALSE(line_of(rank(10), kFfn).has(Held::Rank));
  EXPECT_TRUE(line_of(rank(11), kFfn).has(Held::Rank));
  EXPECT_TRUE(says(rank(11), "rank 11 of 32 x 16 is not below 11"));
}

TEST(Ledger, SaysThatCodesAreAsManyMultiplications) {
  const Model model = tiny_model();
  const Books books = books_of(model, changed(model, [](const Slot&, const Tensor& values) {
                                 return quantize_symmetric(values, 8, true, ActivationRange::PerToken);
                               }));
  const LedgerLine& line = line_of(books, kFfn);
  EXPECT_TRUE(line.has(Held::Codes));
  EXPECT_NE(line.kernel_before, line.now.kernel);
  EXPECT_TRUE(says(books, "codes make each multiplication cheaper"));
}

TEST(Ledger, OfTheSameModelIsEmpty) {
  const Model model = tiny_model();
  const Books books = books_of(model, model);
  EXPECT_TRUE(ledger_json(books.ledger).empty());
  EXPECT_TRUE(books.notes.empty());
}

TEST(Ledger, PlansAreTakenBackOnTheSameProcessorAlone) {
  const std::vector<PlanEntry> plan = Engine(tiny_model(), {.threads = 1}).plan();
  const auto back = plan_from_json(plan_json(plan));
  ASSERT_TRUE(back);
  ASSERT_EQ(back->size(), plan.size());
  for (size_t i = 0; i < plan.size(); ++i) {
    EXPECT_EQ((*back)[i].slot, plan[i].slot);
    EXPECT_EQ((*back)[i].kernel, plan[i].kernel);
    EXPECT_EQ((*back)[i].resident_bytes, plan[i].resident_bytes);
    EXPECT_EQ((*back)[i].multiplications, plan[i].multiplications);
    EXPECT_EQ((*back)[i].weights, plan[i].weights);
  }
  Json other = plan_json(plan);
  other["cpu_model"] = "another";
  EXPECT_FALSE(plan_from_json(other));
  for (const char* damaged : {"{}", "3", R"({"kernels": 1})"}) EXPECT_FALSE(plan_from_json(Json::parse(damaged)));
  Json short_line = plan_json(plan);
  short_line["lines"][0].erase("weights");
  EXPECT_FALSE(plan_from_json(short_line));
}

TEST(Ledger, OfARunIsThePlanOfWhatIsStored) {
  const TinyWorld world;
  const Json recipe = {{"name", "tiny"},
                       {"model", world.model().string()},
                       {"task", world.task().string()},
                       {"seed", 3},
                       {"steps", Json::array({{{"method", "quantize.q8"}}})}};
  const Json settings = {{"recipe", recipe}, {"workspace", world.workspace().string()}};
  for (const bool again : {false, true}) {
    const Outcome outcome = run_job_here("run_recipe", settings);
    ASSERT_EQ(outcome.last.kind, JobEventKind::Done) << outcome.last.error.message;
    const Json& row = outcome.last.result.at("rows").at(1);
    EXPECT_EQ(row.at("cached"), again);
    EXPECT_FALSE(row.contains("engine_plan"));
    int64_t resident = 0;
    std::map<std::string, std::string> kernels;
    for (const PlanEntry& entry : Engine(open_model(row.at("bundle").get<std::string>()), {.threads = 1}).plan()) {
      kernels[entry.slot] = entry.kernel;
      resident += entry.resident_bytes;
    }
    EXPECT_EQ(row.at("resident_bytes"), resident);
    EXPECT_FALSE(row.at("ledger").empty());
    for (const Json& line : row.at("ledger")) EXPECT_EQ(line.at("kernel"), kernels.at(line.at("slot")));
  }
}

}  // namespace
}  // namespace espalier::test

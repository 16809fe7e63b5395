#include "compress/registry.h"

#include <algorithm>
#include <array>

#include "base/nearest.h"

namespace espalier {
namespace {

constexpr std::array<std::string_view, 5> kFamilies = {"prune", "share", "factorize", "quantize", "distill"};

size_t family_rank(const std::string& family) {
  return static_cast<size_t>(std::ranges::find(kFamilies, std::string_view(family)) - kFamilies.begin());
}

std::vector<std::unique_ptr<Method>> build() {
  std::vector<std::unique_ptr<Method>> built;
  add_builtin_methods([&](std::unique_ptr<Method> method, const char* page) {
    method->set_page(page);
    built.push_back(std::move(method));
  });
  std::ranges::sort(built, [](const auto& a, const auto& b) {
    return std::pair(family_rank(a->info().family), a->info().id) <
           std::pair(family_rank(b->info().family), b->info().id);
  });
  return built;
}

// Also by the part after the dot: "magnitude" means "prune.magnitude".
size_t distance_to(const std::string& wanted, const std::string& id) {
  const size_t limit = wanted.size() + id.size();
  return std::min(edit_distance(wanted, id, limit), edit_distance(wanted, id.substr(id.find('.') + 1), limit) + 1);
}

const Method* find(const std::string& id) {
  for (const auto& candidate : methods()) {
    if (candidate->info().id == id) return candidate.get();
  }
  return nullptr;
}

std::string nearest(const std::string& id) {
  return (*std::ranges::min_element(methods(), {}, [&](const auto& m) { return distance_to(id, m->info().id); }))
      ->info()
      .id;
}

}  // namespace

std::span<const std::unique_ptr<Method>> methods() {
  static const std::vector<std::unique_ptr<Method>> all = build();
  return all;
}

const Method& method(const std::string& id) {
  if (const Method* found = find(id)) return *found;
  throw Error(ErrorKind::InvalidInput, {.what = "there is no such method",
                                        .got = "\"" + id + "\"",
                                        .wanted = "the nearest is \"" + nearest(id) + "\"",
                                        .next = "list them with: espalier methods list"});
}

std::vector<Issue> check_step(const Model& model, const Step& step, const Resources* resources) {
  const Method* found = find(step.method);
  if (found == nullptr) {
    return {{"method", "There is no method \"" + step.method + "\"; the nearest is \"" + nearest(step.method) + "\"."}};
  }
  return check_step(*found, model, step, resources);
}

}  // namespace espalier

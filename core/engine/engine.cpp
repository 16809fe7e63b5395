#include "engine/engine.h"

#include <algorithm>
#include <functional>
#include <mutex>
#include <thread>

#include "engine/forward.h"
#include "engine/onednn.h"
#include "engine/prepared_model.h"
#include "engine/search.h"

namespace espalier {

namespace {

// Passes that ran at once and left their memory for the next ones.
constexpr size_t kWorkspacesKept = 4;

class WorkspacePool {
 public:
  std::unique_ptr<Workspace> take() {
    const std::scoped_lock lock(mutex_);
    if (free_.empty()) return std::make_unique<Workspace>();
    std::unique_ptr<Workspace> taken = std::move(free_.back());
    free_.pop_back();
    return taken;
  }
  void give_back(std::unique_ptr<Workspace> workspace) {
    const std::scoped_lock lock(mutex_);
    if (free_.size() < kWorkspacesKept) free_.push_back(std::move(workspace));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace>> free_;
};

int threads_for(int wanted) {
  if (wanted < 0) {
    throw Error(ErrorKind::InvalidInput, {.what = "the number of threads is negative",
                                          .got = std::to_string(wanted),
                                          .wanted = "0 for all cores, or 1 or more"});
  }
  return wanted > 0 ? wanted : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

struct Engine::Impl {
  PreparedModel model;
  int threads;
  mutable WorkspacePool workspaces;

  const Architecture& architecture() const { return model.architecture; }

  void pass(const PackedBatch& batch, const EngineRequest& request, const PassOptions& options,
            EngineOutput& output) const {
    const onednn::OneThread one_thread;
    std::unique_ptr<Workspace> workspace = workspaces.take();
    run_pass(model, batch, request, options, threads, *workspace, output);
    workspaces.give_back(std::move(workspace));
  }

  // Runs the encoder and keeps what the decoder needs of its output.
  void read_source(const PackedBatch& source, const EngineRequest& request, DecodingState& state,
                   EngineOutput& output) const {
    state.memory_starts = source.starts;
    for (const PreparedLayer& layer : model.decoder->layers) {
      state.memory.emplace_back(static_cast<size_t>(source.num_tokens() * 2 * layer.cross->width()));
    }
    pass(source, request, {.memory = &state, .logits = false}, output);
  }
};

namespace {

// One sequence's continuation on the engine.
class Continuation : public NextToken {
 public:
  using Pass = std::function<void(const PackedBatch&, const PassOptions&, EngineOutput&)>;

  // `state` must be begun; `stack`: whose words are read.
  Continuation(DecodingState& state, const EmbeddingSpec& embedding, Stack stack, Pass pass)
      : state_(state), embedding_(embedding), stack_(stack), pass_(std::move(pass)) {}

  std::vector<float> start(std::span<const TokenId> prompt) override {
    PackedBatch batch;
    batch.ids.assign(prompt.begin(), prompt.end());
    batch.starts = {0, static_cast<int32_t>(prompt.size())};
    return logits_of(batch);
  }

  std::vector<float> next(std::span<const int32_t> parents, std::span<const TokenId> tokens) override {
    state_.select({parents.begin(), parents.end()});
    PackedBatch batch;
    batch.ids.assign(tokens.begin(), tokens.end());
    for (size_t i = 0; i <= tokens.size(); ++i) batch.starts.push_back(static_cast<int32_t>(i));
    return logits_of(batch);
  }

 private:
  std::vector<float> logits_of(PackedBatch& batch) {
    batch.type_ids.assign(batch.ids.size(), 0);
    check_batch(embedding_, batch, state_.lengths);
    int64_t longest = 0;
    for (int64_t i = 0; i < batch.num_sequences(); ++i) {
      const auto at = static_cast<size_t>(i);
      longest = std::max<int64_t>(longest, batch.starts[at + 1] - batch.starts[at]);
    }
    state_.reserve(longest);
    EngineOutput output;
    pass_(batch, {.stack = stack_, .state = &state_, .last_token_only = true}, output);
    const std::span<const float> values = output.logits.values<float>();
    return {values.begin(), values.end()};
  }

  DecodingState& state_;
  const EmbeddingSpec& embedding_;
  Stack stack_;
  Pass pass_;
};

[[noreturn]] void refuse_run(const char* what, const char* wanted) {
  throw Error(ErrorKind::InvalidInput, ErrorParts{.what = what, .wanted = wanted});
}

}  // namespace

Engine::Engine(const Model& model, EngineOptions options)
    : impl_(std::make_unique<Impl>(prepare(model, options.kernels), threads_for(options.threads))) {}
Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

Engine Engine::for_edit(const Model& own, const Model& edited) const {
  return Engine(std::make_unique<Impl>(prepare_edit(edited, own, impl_->model), impl_->threads));
}

EngineOutput Engine::run(const PackedBatch& batch, const EngineRequest& request) const {
  if (impl_->architecture().has_decoder()) {
    refuse_run("the model has a decoder and there is nothing for it to read", "a source and a target");
  }
  check_batch(impl_->architecture().embedding, batch);
  EngineOutput output;
  impl_->pass(batch, request, {}, output);
  return output;
}

EngineOutput Engine::run_from(LayerIndex layer, std::span<const float> states, const PackedBatch& batch) const {
  const Architecture& a = impl_->architecture();
  if (a.has_decoder()) refuse_run("a model with a decoder does not run from a layer's input", "a single stack");
  check_batch(a.embedding, batch);
  if (layer.value < 0 || layer.value > std::ssize(a.layers)) {
    throw Error(ErrorKind::InvalidInput, {.what = "there is no such layer to run from",
                                          .got = std::to_string(layer.value),
                                          .wanted = "0 to " + std::to_string(a.layers.size())});
  }
  const int64_t wanted = batch.num_tokens() * a.hidden_size;
  if (std::ssize(states) != wanted) {
    throw Error(ErrorKind::InvalidInput, {.what = "the states are not one row a token of the batch",
                                          .got = std::to_string(states.size()) + " values",
                                          .wanted = std::to_string(wanted)});
  }
  EngineOutput output;
  impl_->pass(batch, {}, {.first_layer = static_cast<size_t>(layer.value), .states = states.data()}, output);
  return output;
}

EngineOutput Engine::run(const PackedBatch& source, const PackedBatch& target, const EngineRequest& request) const {
  const Architecture& a = impl_->architecture();
  if (!a.has_decoder()) refuse_run("the model has no decoder for a target", "a batch alone");
  check_batch(a.embedding, source);
  check_batch(*a.decoder_embedding, target);
  if (source.num_sequences() != target.num_sequences()) {
    refuse_run("source and target have different numbers of sequences", "one target for each source");
  }
  EngineOutput output;
  DecodingState state;
  for (int64_t i = 0; i < target.num_sequences(); ++i) state.source_of.push_back(static_cast<int32_t>(i));
  impl_->read_source(source, request, state, output);
  impl_->pass(target, request, {.stack = Stack::Decoder, .state = &state, .logits = a.head.kind != HeadKind::None},
              output);
  return output;
}

std::vector<std::vector<TokenId>> Engine::generate(const PackedBatch& batch, const GenerationSpec& spec,
                                                   const CancelToken& cancel, PassProfile* profile) const {
  const Architecture& a = impl_->architecture();
  check_generation(a, spec);
  check_batch(a.embedding, batch);
  const Stack stack = a.has_decoder() ? Stack::Decoder : Stack::Encoder;
  const PreparedStack& prepared = a.has_decoder() ? *impl_->model.decoder : impl_->model.encoder;
  const EmbeddingSpec& embedding = embedding_spec(a, stack);
  std::vector<std::vector<TokenId>> results;
  for (int64_t b = 0; b < batch.num_sequences(); ++b) {
    cancel.throw_if_cancelled();
    PackedBatch one;
    const auto begin = batch.ids.begin() + batch.starts[static_cast<size_t>(b)];
    const auto end = batch.ids.begin() + batch.starts[static_cast<size_t>(b) + 1];
    one.ids.assign(begin, end);
    one.type_ids.assign(one.ids.size(), 0);
    one.starts = {0, static_cast<int32_t>(one.ids.size())};
    DecodingState state;
    if (a.has_decoder()) {
      EngineOutput unused;
      impl_->read_source(one, {.profile = profile}, state, unused);
      state.source_of = {0};
    }
    const std::vector<TokenId> prompt =
        a.has_decoder() ? std::vector<TokenId>{static_cast<TokenId>(spec.decoder_start)} : one.ids;
    const GenerationSpec bounded = within_positions(spec, embedding, std::ssize(prompt));
    state.begin(prepared, 1);
    Continuation continuation(state, embedding, stack,
                              [&](const PackedBatch& tokens, const PassOptions& options, EngineOutput& output) {
                                impl_->pass(tokens, {.profile = profile}, options, output);
                              });
    results.push_back(search(continuation, prompt, bounded, cancel));
  }
  return results;
}

int Engine::threads() const { return impl_->threads; }
std::vector<PlanEntry> Engine::plan() const { return impl_->model.plan; }
const std::vector<PassPart>& Engine::parts() const { return impl_->model.parts; }

}  // namespace espalier

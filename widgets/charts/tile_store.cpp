#include "widgets/charts/tile_store.h"

#include <QThreadPool>
#include <algorithm>
#include <cmath>
#include <deque>
#include <mutex>
#include <utility>

namespace espalier {
namespace {

constexpr int kWorkers = 2;
constexpr qsizetype kKeptTiles = 64;    // at most 64 MB with pictures
constexpr int64_t kPreviewCells = 512;  // along an edge

TileRequest previewRequest(const Matrix& matrix) {
  TileRequest request;
  request.row_step = (matrix.rows() + kPreviewCells - 1) / kPreviewCells;
  request.col_step = (matrix.cols() + kPreviewCells - 1) / kPreviewCells;
  request.cell_rows = request.cell_cols = kPreviewCells;
  request.cell_value = CellValue::Sample;
  return request;
}

}  // namespace

size_t qHash(const TileKey& key, size_t seed) noexcept {
  return qHashMulti(seed, key.rowLevel, key.columnLevel, key.row, key.column);
}

QImage coloredTile(const Tile& tile, const ColorScale& scale, bool dark) {
  const ColorMap map(scale.map, dark);
  const auto width = static_cast<int>(tile.cell_cols);
  QImage image(width, static_cast<int>(tile.cell_rows), QImage::Format_RGB32);
  const bool isSigned = scale.map == ColorMapKind::Diverging;
  const auto low = static_cast<float>(scale.low);
  const float perUnit = scale.high > scale.low ? static_cast<float>(255 / (scale.high - scale.low)) : 0;
  for (int r = 0; r < image.height(); ++r) {
    const float* values = tile.values.data() + static_cast<size_t>(r) * static_cast<size_t>(width);
    auto* line = reinterpret_cast<QRgb*>(image.scanLine(r));
    for (int c = 0; c < width; ++c) {
      const float value = isSigned ? values[c] : std::abs(values[c]);
      if (std::isnan(value)) {
        line[c] = map.nanColor();
      } else {
        line[c] = map.table()[static_cast<size_t>(std::clamp((value - low) * perUnit + 0.5f, 0.f, 255.f))];
      }
    }
  }
  return image;
}

// What the window's thread and the workers both touch. `owner` is null once the store is gone.
struct TileStore::Shared {
  Matrix matrix;
  CancelToken cancel;
  std::mutex mutex;
  TileStore* owner = nullptr;
  std::deque<TileKey> wanted;
  std::vector<TileKey> running;
  int workers = 0;
  bool summaryTaken = false;

  // Runs `call` in the owner's thread if there still is one.
  template <typename Call>
  void deliver(Call call) {
    const std::lock_guard lock(mutex);
    if (owner != nullptr) QMetaObject::invokeMethod(owner, std::move(call), Qt::QueuedConnection);
  }

  bool next(TileKey& key) {
    const std::lock_guard lock(mutex);
    if (wanted.empty() || cancel.is_cancelled()) {
      --workers;
      return false;
    }
    key = wanted.front();
    wanted.pop_front();
    running.push_back(key);
    return true;
  }

  // True for the one worker that makes the summary: the first that has nothing else to do, so that what the person
  // looks at comes first.
  bool takeSummary() {
    const std::lock_guard lock(mutex);
    return !std::exchange(summaryTaken, true);
  }

  void done(const TileKey& key) {
    const std::lock_guard lock(mutex);
    std::erase(running, key);
  }
};

TileStore::TileStore(Matrix matrix) : m_matrix(std::move(matrix)), m_shared(std::make_shared<Shared>()) {
  m_shared->matrix = m_matrix;
  m_shared->owner = this;
  QThreadPool::globalInstance()->start([shared = m_shared, store = this] {
    try {
      Tile preview = read_tile(shared->matrix, previewRequest(shared->matrix), shared->cancel);
      shared->deliver([store, preview = std::move(preview)]() mutable {
        store->m_preview.tile = std::move(preview);
        Q_EMIT store->previewReady();
      });
    } catch (const Cancelled&) {
      return;  // the store is gone
    } catch (const std::exception& error) {
      shared->deliver([store, sentence = QString::fromUtf8(error.what())] { Q_EMIT store->failed(sentence); });
    }
  });
}

TileStore::~TileStore() {
  m_shared->cancel.cancel();
  const std::lock_guard lock(m_shared->mutex);
  m_shared->owner = nullptr;
}

void TileStore::want(const std::vector<TileKey>& keys) {
  {
    const std::lock_guard lock(m_shared->mutex);
    m_shared->wanted.clear();
    for (const TileKey& key : keys) {
      const bool running =
          std::find(m_shared->running.begin(), m_shared->running.end(), key) != m_shared->running.end();
      if (!running && !m_tiles.contains(key)) m_shared->wanted.push_back(key);
    }
  }
  startWorkers();
}

void TileStore::startWorkers() {
  const std::lock_guard lock(m_shared->mutex);
  while (m_shared->workers < kWorkers && m_shared->workers < static_cast<int>(m_shared->wanted.size())) {
    ++m_shared->workers;
    QThreadPool::globalInstance()->start(
        [shared = m_shared, store = this] {
          TileKey key;
          while (shared->next(key)) {
            try {
              Tile tile = read_tile(shared->matrix, requestFor(key), shared->cancel);
              shared->deliver([store, key, tile = std::move(tile)]() mutable { store->accept(key, std::move(tile)); });
            } catch (const Cancelled&) {
              continue;  // the next wish ends the loop
            } catch (const std::exception& error) {
              shared->deliver([store, sentence = QString::fromUtf8(error.what())] { Q_EMIT store->failed(sentence); });
            }
            shared->done(key);
          }
          if (!shared->takeSummary()) return;
          try {
            auto summary = std::make_shared<const MatrixSummary>(summarize(shared->matrix, shared->cancel));
            shared->deliver([store, summary] { Q_EMIT store->summaryReady(summary); });
          } catch (const Cancelled&) {
            return;
          } catch (const std::exception& error) {
            shared->deliver([store, sentence = QString::fromUtf8(error.what())] { Q_EMIT store->failed(sentence); });
          }
        },
        1);
  }
}

void TileStore::accept(const TileKey& key, Tile tile) {
  auto entry = std::make_shared<Entry>();
  entry->tile = std::move(tile);
  entry->used = ++m_clock;
  m_tiles.insert(key, entry);
  while (m_tiles.size() > kKeptTiles) {
    auto oldest = m_tiles.begin();
    for (auto it = m_tiles.begin(); it != m_tiles.end(); ++it) {
      if (it.value()->used < oldest.value()->used) oldest = it;
    }
    m_tiles.erase(oldest);
  }
  Q_EMIT tileReady();
}

const QImage* TileStore::colored(Entry& entry) {
  if (!entry.colored) {
    entry.image = coloredTile(entry.tile, m_scale, m_dark);
    entry.colored = true;
  }
  return &entry.image;
}

const QImage* TileStore::picture(const TileKey& key) {
  const auto found = m_tiles.find(key);
  if (found == m_tiles.end()) return nullptr;
  found.value()->used = ++m_clock;
  return colored(*found.value());
}

const QImage* TileStore::preview() { return m_preview.tile.values.empty() ? nullptr : colored(m_preview); }

void TileStore::setColors(const ColorScale& scale, bool dark) {
  m_scale = scale;
  m_dark = dark;
  m_preview.colored = false;
  for (const auto& entry : m_tiles) entry->colored = false;
}

TileRequest TileStore::requestFor(const TileKey& key) {
  TileRequest request;
  request.row_step = int64_t{1} << key.rowLevel;
  request.col_step = int64_t{1} << key.columnLevel;
  request.row = key.row * kTileRows * request.row_step;
  request.col = key.column * kTileColumns * request.col_step;
  request.cell_rows = kTileRows;
  request.cell_cols = kTileColumns;
  return request;
}

Tile TileStore::readNow(const TileKey& key) const { return read_tile(m_matrix, requestFor(key)); }

}  // namespace espalier

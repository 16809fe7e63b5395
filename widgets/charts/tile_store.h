#pragma once
#include <QHash>
#include <QImage>
#include <QObject>
#include <memory>
#include <vector>

#include "inspect/statistics.h"
#include "inspect/tile.h"
#include "widgets/theme/color_bar.h"

namespace espalier {

// A tile of a pyramid whose levels halve rows and columns independently.
struct TileKey {
  int rowLevel = 0, columnLevel = 0;  // a cell covers 2^level values
  int64_t row = 0, column = 0;        // number of the tile in its level
  bool operator==(const TileKey&) const = default;
};
size_t qHash(const TileKey& key, size_t seed = 0) noexcept;

// Colours of a tile's values: signed values for the diverging map, magnitudes for the others.
QImage coloredTile(const Tile& tile, const ColorScale& scale, bool dark);

// Reads tiles of one matrix on the threads of the global pool and keeps the recent ones. Lives in the window's thread;
// destroying it returns at once, whatever the workers do.
class TileStore : public QObject {
  Q_OBJECT

 public:
  static constexpr int64_t kTileRows = 128;
  static constexpr int64_t kTileColumns = 1024;  // wide, because coded rows are decoded whole

  // Starts with a sampled preview of the whole matrix; the exact summary follows the first tiles.
  explicit TileStore(Matrix matrix);
  ~TileStore() override;

  const Matrix& matrix() const { return m_matrix; }
  // The tiles that the view needs now, most wanted first; earlier wishes that have not begun are forgotten.
  void want(const std::vector<TileKey>& keys);
  // The picture of a tile in the colours set last, null when it has not been read.
  const QImage* picture(const TileKey& key);
  // The whole matrix by samples; null until it is read.
  const QImage* preview();
  const Tile& previewTile() const { return m_preview.tile; }
  void setColors(const ColorScale& scale, bool dark);
  // Reads now, in this thread: for pictures that leave the window.
  Tile readNow(const TileKey& key) const;
  static TileRequest requestFor(const TileKey& key);

 Q_SIGNALS:
  void previewReady();
  void tileReady();
  // A read failed; one sentence says why.
  void failed(const QString& sentence);
  void summaryReady(std::shared_ptr<const espalier::MatrixSummary> summary);

 private:
  struct Entry {
    Tile tile;
    QImage image;
    bool colored = false;
    uint64_t used = 0;
  };
  struct Shared;
  const QImage* colored(Entry& entry);
  void accept(const TileKey& key, Tile tile);
  void startWorkers();

  Matrix m_matrix;
  std::shared_ptr<Shared> m_shared;
  QHash<TileKey, std::shared_ptr<Entry>> m_tiles;
  Entry m_preview;
  ColorScale m_scale;
  bool m_dark = false;
  uint64_t m_clock = 0;
};

}  // namespace espalier

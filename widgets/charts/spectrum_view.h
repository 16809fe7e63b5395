#pragma once
#include "inspect/spectrum.h"
#include "widgets/charts/chart.h"

namespace espalier {

// Singular values (logarithmic) and the energy that the first of them hold, with a rank that can be dragged.
class SpectrumView : public Chart {
  Q_OBJECT

 public:
  explicit SpectrumView(QWidget* parent = nullptr);

  // `rows` x `columns` of the matrix and the bytes that it needs as stored, to say what a rank would need.
  void setSpectrum(const Spectrum& spectrum, int64_t rows, int64_t columns, int64_t storedBytes);
  void clear();
  // Singular values of another matrix, drawn as a second line with its name; empty for none.
  void setOther(const Spectrum& spectrum, const QString& name);
  // What the chosen rank stores and loses, as the figure says it.
  QString rankSentence(int64_t rank) const;
  // 0: none chosen. Clamped to the spectrum.
  void setRank(int64_t rank);
  int64_t rank() const { return m_rank; }

  bool isEmpty() const override { return m_spectrum.values.empty(); }
  void paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const override;
  QString figureCsv() const override;
  QSize sizeHint() const override { return {320, 200}; }
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  void rankChosen(qint64 rank);

 protected:
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void paintOverlay(QPainter& painter, const ThemeColors& colors) override;

 private:
  int64_t rankAt(double x) const;
  void choose(int64_t rank);

  Spectrum m_spectrum;
  Spectrum m_other;
  QString m_otherName;
  int64_t m_rows = 0;
  int64_t m_columns = 0;
  int64_t m_storedBytes = 0;
  int64_t m_rank = 0;
};

}  // namespace espalier

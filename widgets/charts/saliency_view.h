#pragma once
#include <QString>
#include <vector>

#include "widgets/charts/chart.h"

namespace espalier {

struct SaliencyToken {
  QString text;                // as the tokenizer gives it, "##ing" too
  double score = 0;            // signed: towards the explained label is positive
  bool special = false;        // [CLS], [SEP]
  bool continuesWord = false;  // drawn joined to the token before
  bool known = false;          // the lab knows that this word decides: underlined
};

struct SaliencyData {
  std::vector<SaliencyToken> tokens;
  QString method;          // "gradient x input"
  QString label;           // the explained label's name
  QString prediction;      // name of the predicted label, may be the same
  double probability = 0;  // of the prediction
};

// A sentence whose words are coloured by their score, with what the model said at its end.
class SaliencyView : public Chart {
  Q_OBJECT

 public:
  explicit SaliencyView(QWidget* parent = nullptr);

  void setSaliency(const SaliencyData& saliency);
  void clear();
  void setHideSpecial(bool hide);
  const SaliencyData& saliency() const { return m_saliency; }
  // Where a token is drawn, null when hidden.
  QRectF tokenRect(int token) const;

  bool isEmpty() const override { return m_saliency.tokens.empty(); }
  void paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const override;
  QString figureCsv() const override;
  QSize figureSize() const override;
  bool hasHeightForWidth() const override { return true; }
  int heightForWidth(int width) const override;
  QSize sizeHint() const override;
  QSize minimumSizeHint() const override;

 Q_SIGNALS:
  void tokenHovered(int token);

 protected:
  void paintOverlay(QPainter& painter, const ThemeColors& colors) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;

 private:
  struct Flow;  // where everything goes at one width
  Flow flowFor(const QRectF& area) const;
  void setCurrent(int token);

  SaliencyData m_saliency;
  bool m_hideSpecial = false;
  int m_current = -1;
};

}  // namespace espalier

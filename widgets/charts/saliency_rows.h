#pragma once
#include <QString>
#include <vector>

#include "widgets/charts/chart.h"

namespace espalier {

struct SaliencyToken {
  QString text;                // as the tokenizer gives it, "##ing" too
  QString shown;               // as the sentence has it; empty: the text
  bool special = false;        // [CLS], [SEP]
  bool continuesWord = false;  // joined to the token before when words are asked for
  bool known = false;          // the lab knows that this word decides: underlined
};

// Scores of one sentence by one method or one model.
struct SaliencyRow {
  QString name;                // "gradient × input", "before"
  QString about;               // what stands at its end: "positive 0.97"; may be empty
  std::vector<double> scores;  // one a token, signed: towards the explained label is positive
  int scale = 0;               // rows of one number share their colours
};

struct SaliencyTable {
  std::vector<SaliencyToken> tokens;
  std::vector<SaliencyRow> rows;
  QString label;  // what is explained
};

// Pieces of one word as one, their scores summed. The tokens then are words.
SaliencyTable asWords(const SaliencyTable& table);

// One sentence, once a row: methods, or models, under one another, a word always above itself. Long sentences go on
// below in a block of their own.
class SaliencyRows : public Chart {
  Q_OBJECT

 public:
  explicit SaliencyRows(QWidget* parent = nullptr);

  void setTable(const SaliencyTable& table);
  void clear();
  void setHideSpecial(bool hide);
  const SaliencyTable& table() const { return m_table; }
  // Where a token is drawn in a row, null when hidden.
  QRectF cellRect(int row, int token) const;

  bool isEmpty() const override { return m_table.tokens.empty() || m_table.rows.empty(); }
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
  void setCurrent(int row, int token);
  double largest(int scale) const;

  SaliencyTable m_table;
  bool m_hideSpecial = false;
  int m_row = -1;
  int m_token = -1;
};

}  // namespace espalier

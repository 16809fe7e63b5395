#include "widgets/charts/saliency_rows.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <algorithm>
#include <cmath>

#include "widgets/theme/color_map.h"
#include "widgets/theme/numbers.h"

namespace espalier {
namespace {

constexpr double kPadding = 4;

const QString& shownText(const SaliencyToken& token) { return token.shown.isEmpty() ? token.text : token.shown; }

}  // namespace

SaliencyTable asWords(const SaliencyTable& table) {
  SaliencyTable words;
  words.label = table.label;
  words.rows = table.rows;
  for (SaliencyRow& row : words.rows) row.scores.clear();
  for (size_t i = 0; i < table.tokens.size(); ++i) {
    const SaliencyToken& token = table.tokens[i];
    const bool joins = token.continuesWord && !words.tokens.empty() && !words.tokens.back().special;
    if (joins) {
      words.tokens.back().text += shownText(token);
      words.tokens.back().shown = words.tokens.back().text;
      words.tokens.back().known |= token.known;
    } else {
      words.tokens.push_back(token);
      words.tokens.back().text = shownText(token);
      words.tokens.back().continuesWord = false;
    }
    for (size_t r = 0; r < words.rows.size(); ++r) {
      const double score = i < table.rows[r].scores.size() ? table.rows[r].scores[i] : 0;
      if (joins) {
        words.rows[r].scores.back() += score;
      } else {
        words.rows[r].scores.push_back(score);
      }
    }
  }
  return words;
}

struct SaliencyRows::Flow {
  struct Token {
    int block = -1;  // -1: hidden
    double x = 0, width = 0;
  };
  std::vector<Token> tokens;
  double nameWidth = 0, rowHeight = 0, blockHeight = 0, aboutWidth = 0;
  QPointF origin;
  int blocks = 0;
  bool aboutBelow = false;  // the last block holds no words, only what rows say at their end
  QRectF legend;
  double bottom = 0;

  QRectF cell(int row, int token) const {
    const Token& at = tokens[static_cast<size_t>(token)];
    if (at.block < 0) return {};
    return {at.x, origin.y() + at.block * blockHeight + row * rowHeight, at.width, rowHeight - 2};
  }
};

SaliencyRows::SaliencyRows(QWidget* parent) : Chart(parent) {
  setTitle(tr("Which words decided"));
  setEmptyText(tr("Type or choose a sentence to see which words decide."));
  QSizePolicy policy(QSizePolicy::Preferred, QSizePolicy::MinimumExpanding);
  policy.setHeightForWidth(true);
  setSizePolicy(policy);
}

void SaliencyRows::setTable(const SaliencyTable& table) {
  m_table = table;
  for (SaliencyRow& row : m_table.rows) row.scores.resize(m_table.tokens.size());
  m_row = m_token = -1;
  setReadout({});
  QStringList said;
  for (const SaliencyRow& row : m_table.rows) {
    if (!row.about.isEmpty()) said << QStringLiteral("%1: %2").arg(row.name, row.about);
  }
  if (!isEmpty()) {
    setNote(tr("Explained: “%1”. %2.").arg(m_table.label, said.join(QStringLiteral("; "))));
    setAccessibleDescription(said.join(QStringLiteral("; ")));
  }
  updateGeometry();
  update();
}

void SaliencyRows::clear() { setTable({}); }

void SaliencyRows::setHideSpecial(bool hide) {
  m_hideSpecial = hide;
  updateGeometry();
  update();
}

double SaliencyRows::largest(int scale) const {
  double most = 0;
  for (const SaliencyRow& row : m_table.rows) {
    if (row.scale != scale) continue;
    for (size_t i = 0; i < row.scores.size(); ++i) {
      if (m_hideSpecial && m_table.tokens[i].special) continue;
      most = std::max(most, std::abs(row.scores[i]));
    }
  }
  return most > 0 ? most : 1;
}

SaliencyRows::Flow SaliencyRows::flowFor(const QRectF& area) const {
  Flow flow;
  const QFontMetricsF body(Theme::instance().bodyFont()), small(Theme::instance().secondaryFont());
  size_t saying = 0;  // rows down to the last that says something
  for (size_t r = 0; r < m_table.rows.size(); ++r) {
    const SaliencyRow& row = m_table.rows[r];
    flow.nameWidth = std::max(flow.nameWidth, small.horizontalAdvance(row.name));
    flow.aboutWidth = std::max(flow.aboutWidth, small.horizontalAdvance(row.about));
    if (!row.about.isEmpty()) saying = r + 1;
  }
  flow.nameWidth = std::ceil(flow.nameWidth) + 2 * kGrid;
  flow.rowHeight = std::ceil(body.height()) + 8;
  flow.blockHeight = flow.rowHeight * static_cast<double>(m_table.rows.size()) + 2 * kGrid;
  flow.origin = QPointF(area.left() + kGrid + flow.nameWidth, area.top() + kGrid);
  const double right = area.right() - kGrid;
  double x = flow.origin.x();
  int block = 0;
  for (size_t i = 0; i < m_table.tokens.size(); ++i) {
    const SaliencyToken& token = m_table.tokens[i];
    if (m_hideSpecial && token.special) {
      flow.tokens.push_back({});
      continue;
    }
    const double width = std::ceil(body.horizontalAdvance(shownText(token))) + 2 * kPadding;
    if (x > flow.origin.x() && x + width > right) {
      x = flow.origin.x();
      ++block;
    }
    flow.tokens.push_back({block, x, std::min(width, std::max(8.0, right - flow.origin.x()))});
    x += width + 2;
  }
  // What a row says at its end goes beside its last word, or below it where there is no room.
  flow.aboutBelow = flow.aboutWidth > 0 && x + flow.aboutWidth + kGrid > right;
  flow.blocks = block + (flow.aboutBelow ? 2 : 1);
  const double saved = flow.aboutBelow ? static_cast<double>(m_table.rows.size() - saying) * flow.rowHeight : 0;
  const double y = flow.origin.y() + flow.blocks * flow.blockHeight - saved;
  const double line = std::ceil(small.height());
  flow.legend = QRectF(flow.origin.x(), y, std::min(40.0 * kGrid, std::max(10.0, right - flow.origin.x())), line + 14);
  flow.bottom = flow.legend.bottom() + kGrid;
  return flow;
}

QRectF SaliencyRows::cellRect(int row, int token) const {
  return isEmpty() ? QRectF() : flowFor(rect()).cell(row, token);
}

int SaliencyRows::heightForWidth(int width) const {
  if (isEmpty()) return sizeHint().height();
  return static_cast<int>(std::ceil(flowFor(QRectF(0, 0, width, 100)).bottom));
}

QSize SaliencyRows::sizeHint() const { return {560, isEmpty() ? 120 : heightForWidth(std::max(320, width()))}; }

QSize SaliencyRows::minimumSizeHint() const {
  return {QFontMetrics(Theme::instance().bodyFont()).horizontalAdvance('m') * 16 + 4 * kGrid, 10 * kGrid};
}

QSize SaliencyRows::figureSize() const {
  const int wide = std::max(width(), 40 * kGrid);
  return {wide, heightForWidth(wide)};
}

void SaliencyRows::paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const {
  if (isEmpty()) return;
  const Flow flow = flowFor(area);
  const ColorMap map(ColorMapKind::Diverging, colors.dark);
  const QFont body = Theme::instance().bodyFont(), small = Theme::instance().secondaryFont();
  const QFontMetricsF metrics(small);
  for (size_t r = 0; r < m_table.rows.size(); ++r) {
    const SaliencyRow& row = m_table.rows[r];
    const int number = static_cast<int>(r);
    const double most = largest(row.scale);
    painter.setFont(small);
    painter.setPen(colors.secondaryText);
    for (int block = 0; block < flow.blocks; ++block) {
      if (flow.aboutBelow && block + 1 == flow.blocks && row.about.isEmpty()) continue;
      const QRectF name(area.left() + kGrid, flow.origin.y() + block * flow.blockHeight + number * flow.rowHeight,
                        flow.nameWidth - kGrid, flow.rowHeight - 2);
      painter.drawText(name, Qt::AlignRight | Qt::AlignVCenter, row.name);
    }
    painter.setFont(body);
    QRectF last;
    for (size_t i = 0; i < m_table.tokens.size() && i < row.scores.size(); ++i) {
      const QRectF cell = flow.cell(number, static_cast<int>(i));
      if (cell.isNull()) continue;
      last = cell;
      const double t = 0.5 + 0.5 * row.scores[i] / most;
      painter.setRenderHint(QPainter::Antialiasing, false);
      painter.fillRect(cell, QColor(map.at(t)));
      painter.setRenderHint(QPainter::Antialiasing);
      painter.setPen(map.textOn(t));
      painter.drawText(cell, Qt::AlignCenter | Qt::TextDontClip, shownText(m_table.tokens[i]));
      if (m_table.tokens[i].known) {
        painter.fillRect(QRectF(cell.left(), cell.bottom() - 1, cell.width(), 2), colors.text);
      }
    }
    if (row.about.isEmpty()) continue;
    painter.setFont(small);
    painter.setPen(colors.text);
    QRectF about(last.right() + kGrid, last.top(), flow.aboutWidth + 2, last.height());
    if (flow.aboutBelow) {
      about.moveTo(flow.origin.x(), flow.origin.y() + (flow.blocks - 1) * flow.blockHeight + number * flow.rowHeight);
    }
    painter.drawText(about, Qt::AlignLeft | Qt::AlignVCenter | Qt::TextDontClip, row.about);
  }
  // What the colours mean; each row or group of rows runs to its own largest score.
  painter.setFont(small);
  painter.setPen(colors.secondaryText);
  const QRectF bar(flow.legend.left(), flow.legend.top(), flow.legend.width(), 10);
  QLinearGradient gradient(bar.topLeft(), bar.topRight());
  for (int i = 0; i <= 32; ++i) gradient.setColorAt(i / 32.0, QColor(map.at(i / 32.0)));
  painter.fillRect(bar, gradient);
  const QRectF names(bar.left(), bar.bottom() + 2, bar.width(), metrics.height());
  const auto half = [&](const QString& text) {
    return metrics.elidedText(text, Qt::ElideMiddle, names.width() / 2 - kGrid / 2.0);
  };
  painter.drawText(names, Qt::AlignLeft | Qt::AlignVCenter, half(tr("against “%1”").arg(m_table.label)));
  painter.drawText(names, Qt::AlignRight | Qt::AlignVCenter, half(tr("towards “%1”").arg(m_table.label)));
}

void SaliencyRows::paintOverlay(QPainter& painter, const ThemeColors& colors) {
  if (m_token < 0) return;
  const Flow flow = flowFor(rect());
  painter.setBrush(Qt::NoBrush);
  for (int row = 0; row < static_cast<int>(m_table.rows.size()); ++row) {
    painter.setPen(QPen(row == m_row ? colors.accent : colors.strongLine, row == m_row ? 2 : 1));
    painter.drawRect(flow.cell(row, m_token));
  }
}

void SaliencyRows::setCurrent(int row, int token) {
  if (row == m_row && token == m_token) return;
  const bool moved = token != m_token;
  m_row = row;
  m_token = token;
  if (token < 0) {
    setReadout({});
  } else {
    const SaliencyRow& shown = m_table.rows[static_cast<size_t>(row)];
    const double score = shown.scores[static_cast<size_t>(token)];
    setReadout(tr("“%1”, %2: %3 %4 “%5”")
                   .arg(m_table.tokens[static_cast<size_t>(token)].text, shown.name, formatExact(score),
                        score < 0 ? tr("against") : tr("towards"), m_table.label));
  }
  if (moved) Q_EMIT tokenHovered(token);
  update();
}

void SaliencyRows::mouseMoveEvent(QMouseEvent* event) {
  if (isEmpty()) return;
  const Flow flow = flowFor(rect());
  for (int row = 0; row < static_cast<int>(m_table.rows.size()); ++row) {
    for (int token = 0; token < static_cast<int>(m_table.tokens.size()); ++token) {
      if (flow.cell(row, token).contains(event->position())) return setCurrent(row, token);
    }
  }
  setCurrent(-1, -1);
}

void SaliencyRows::leaveEvent(QEvent* event) {
  setCurrent(-1, -1);
  Chart::leaveEvent(event);
}

void SaliencyRows::keyPressEvent(QKeyEvent* event) {
  const int dx = event->key() == Qt::Key_Left ? -1 : event->key() == Qt::Key_Right ? 1 : 0;
  const int dy = event->key() == Qt::Key_Up ? -1 : event->key() == Qt::Key_Down ? 1 : 0;
  if ((dx == 0 && dy == 0) || isEmpty()) return Chart::keyPressEvent(event);
  const Flow flow = flowFor(rect());
  const int count = static_cast<int>(m_table.tokens.size());
  int token = m_token + dx;
  while (token >= 0 && token < count && flow.cell(0, token).isNull()) token += dx == 0 ? 1 : dx;
  const int row = std::clamp(m_row + dy, 0, static_cast<int>(m_table.rows.size()) - 1);
  if (token >= 0 && token < count) setCurrent(row, token);
}

QString SaliencyRows::figureCsv() const {
  QStringList header{QStringLiteral("position"), QStringLiteral("token")};
  for (const SaliencyRow& row : m_table.rows) header << row.name;
  QString csv = csvLine(header);
  for (size_t i = 0; i < m_table.tokens.size(); ++i) {
    QStringList fields{QString::number(i), m_table.tokens[i].text};
    for (const SaliencyRow& row : m_table.rows) fields << csvNumber(row.scores[i]);
    csv += csvLine(fields);
  }
  return csv;
}

}  // namespace espalier

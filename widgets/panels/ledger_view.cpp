#include "widgets/panels/ledger_view.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>

#include <algorithm>

#include "widgets/models/display_text.h"
#include "widgets/theme/numbers.h"
#include "widgets/theme/series.h"

namespace espalier {

namespace {

struct Columns {
  QRectF name, bar, bytes, parameters, macs;
};

Columns columnsOf(const QRectF& row, const QFontMetricsF& metrics) {
  const double number = metrics.horizontalAdvance(QStringLiteral("Parameters")) + kGrid;
  const double name = metrics.horizontalAdvance(QStringLiteral("pooler and head")) + kGrid;
  Columns columns;
  columns.name = QRectF(row.left(), row.top(), name, row.height());
  columns.macs = QRectF(row.right() - number, row.top(), number, row.height());
  columns.parameters = columns.macs.translated(-number - kGrid, 0);
  columns.bytes = columns.parameters.translated(-number - kGrid, 0);
  columns.bar = QRectF(columns.name.right() + kGrid, row.top(),
                       std::max(0.0, columns.bytes.left() - columns.name.right() - 2 * kGrid), row.height());
  return columns;
}

}  // namespace

LedgerView::LedgerView(QWidget* parent) : Chart(parent) {
  setMouseTracking(true);
  setTitle(tr("Where the bytes go"));
}

void LedgerView::setLedger(const std::vector<LedgerRow>& rows) {
  m_rows = rows;
  m_current = -1;
  updateGeometry();
  update();
}

void LedgerView::setCurrentLayer(int layer) {
  int row = -1;
  for (size_t i = 0; i < m_rows.size(); ++i) {
    if (layer >= 0 && m_rows[i].layer == layer) row = static_cast<int>(i);
  }
  if (row == m_current) return;
  m_current = row;
  update();
}

double LedgerView::rowHeight() const { return QFontMetricsF(Theme::instance().bodyFont()).height() + kGrid; }

double LedgerView::headerHeight() const { return rowHeight() + kGrid / 2; }

QSize LedgerView::sizeHint() const {
  const int height = static_cast<int>(headerHeight() + rowHeight() * static_cast<double>(m_rows.size()) + kGrid);
  return {60 * kGrid, height};
}

QSize LedgerView::figureSize() const { return {90 * kGrid, sizeHint().height()}; }

QRectF LedgerView::rowRect(int row) const {
  return {0, headerHeight() + rowHeight() * row, static_cast<double>(width()), rowHeight()};
}

int LedgerView::rowAt(QPointF position) const {
  const int row = static_cast<int>((position.y() - headerHeight()) / rowHeight());
  return position.y() >= headerHeight() && row < static_cast<int>(m_rows.size()) ? row : -1;
}

void LedgerView::paintFigure(QPainter& painter, const QRectF& area, const ThemeColors& colors) const {
  const QFont body = Theme::instance().bodyFont();
  const QFont small = Theme::instance().secondaryFont();
  const QFontMetricsF metrics(body);
  int64_t largest = 1;
  for (const LedgerRow& row : m_rows) largest = std::max(largest, row.bytes);
  const QColor attention = seriesStyle(4, colors.dark).color;
  const QColor ffn = seriesStyle(0, colors.dark).color;
  const QColor other = colors.strongLine;

  const Columns head = columnsOf(QRectF(area.left(), area.top(), area.width(), headerHeight()), metrics);
  painter.setFont(small);
  painter.setPen(colors.secondaryText);
  const auto numberFlags = Qt::AlignRight | Qt::AlignVCenter;
  painter.drawText(head.bytes, numberFlags, tr("Size"));
  painter.drawText(head.parameters, numberFlags, tr("Parameters"));
  painter.drawText(head.macs, numberFlags, tr("MACs"));
  double x = head.bar.left();
  const std::pair<QColor, QString> legend[] = {
      {attention, tr("attention")}, {ffn, tr("feed-forward")}, {other, tr("other")}};
  for (const auto& [color, name] : legend) {
    painter.fillRect(QRectF(x, head.bar.center().y() - 4, 8, 8), color);
    x += kGrid * 3 / 2;
    painter.drawText(QRectF(x, head.bar.top(), head.bar.width(), head.bar.height()), Qt::AlignLeft | Qt::AlignVCenter,
                     name);
    x += QFontMetricsF(small).horizontalAdvance(name) + 2 * kGrid;
  }
  painter.setPen(colors.line);
  painter.drawLine(QPointF(area.left(), area.top() + headerHeight() - 1),
                   QPointF(area.right(), area.top() + headerHeight() - 1));

  painter.setFont(body);
  for (size_t i = 0; i < m_rows.size(); ++i) {
    const LedgerRow& row = m_rows[i];
    const Columns columns =
        columnsOf(QRectF(area.left(), area.top() + headerHeight() + rowHeight() * static_cast<double>(i), area.width(),
                         rowHeight()),
                  metrics);
    painter.setPen(colors.text);
    painter.drawText(columns.name, Qt::AlignLeft | Qt::AlignVCenter, row.name);
    painter.drawText(columns.bytes, numberFlags, formatBytes(static_cast<double>(row.bytes)));
    painter.drawText(columns.parameters, numberFlags, countText(static_cast<double>(row.parameters)));
    painter.drawText(columns.macs, numberFlags, countText(static_cast<double>(row.macs)));
    double left = columns.bar.left();
    const std::pair<int64_t, QColor> parts[] = {
        {row.attentionBytes, attention}, {row.ffnBytes, ffn}, {row.otherBytes, other}};
    for (const auto& [bytes, color] : parts) {
      const double width = columns.bar.width() * static_cast<double>(bytes) / static_cast<double>(largest);
      painter.fillRect(QRectF(left, columns.bar.top() + kGrid / 2.0, width, columns.bar.height() - kGrid), color);
      left += width;
    }
  }
}

void LedgerView::paintOverlay(QPainter& painter, const ThemeColors& colors) {
  if (m_current < 0) return;
  painter.setPen(QPen(colors.accent, 1.5));
  painter.setBrush(Qt::NoBrush);
  painter.drawRoundedRect(rowRect(m_current).adjusted(1, 1, -1, -1), 3, 3);
}

QString LedgerView::figureCsv() const {
  QString csv = csvLine({QStringLiteral("name"), QStringLiteral("bytes"), QStringLiteral("attention_bytes"),
                         QStringLiteral("ffn_bytes"), QStringLiteral("parameters"), QStringLiteral("macs")});
  for (const LedgerRow& row : m_rows) {
    csv += csvLine({row.name, QString::number(row.bytes), QString::number(row.attentionBytes),
                    QString::number(row.ffnBytes), QString::number(row.parameters), QString::number(row.macs)});
  }
  return csv;
}

void LedgerView::mouseMoveEvent(QMouseEvent* event) {
  const int row = rowAt(event->position());
  if (row < 0) {
    setReadout({});
    return;
  }
  const LedgerRow& line = m_rows[static_cast<size_t>(row)];
  setReadout(tr("%1: %2 bytes, %3 parameters, %4 MACs")
                 .arg(line.name, formatCount(line.bytes), formatCount(line.parameters), formatCount(line.macs)));
}

void LedgerView::mousePressEvent(QMouseEvent* event) {
  if (event->button() == Qt::LeftButton) choose(rowAt(event->position()));
}

void LedgerView::keyPressEvent(QKeyEvent* event) {
  const int last = static_cast<int>(m_rows.size()) - 1;
  if (event->key() == Qt::Key_Down) {
    choose(std::min(last, m_current + 1));
  } else if (event->key() == Qt::Key_Up) {
    choose(std::max(0, m_current - 1));
  } else {
    Chart::keyPressEvent(event);
  }
}

void LedgerView::choose(int row) {
  if (row < 0 || row >= static_cast<int>(m_rows.size())) return;
  m_current = row;
  update();
  Q_EMIT layerSelected(m_rows[static_cast<size_t>(row)].layer);
}

}  // namespace espalier

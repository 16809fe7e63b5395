#include "widgets/theme/color_bar.h"

#include <QActionGroup>
#include <QMenu>
#include <QPainter>
#include <QPainterPath>
#include <QToolButton>
#include <algorithm>
#include <array>
#include <cmath>

#include "widgets/theme/numbers.h"

namespace espalier {
namespace {

constexpr double kBarWidth = 12;
constexpr double kTip = 6;  // height of the point that says "more beyond"

struct Choice {
  double share;
  const char* text;
};
constexpr std::array<Choice, 5> kChoices = {
    {{1, "all"}, {0.9999, "99.99 %"}, {0.999, "99.9 %"}, {0.99, "99 %"}, {0.95, "95 %"}}};

QString shortText(double share) {
  for (const Choice& choice : kChoices) {
    if (std::abs(choice.share - share) < 1e-9) return QString::fromLatin1(choice.text);
  }
  return formatNumber(share * 100) + QStringLiteral(" %");
}

// Labels from the top down: the two ends and what is round between them.
std::vector<std::pair<double, QString>> labelsOf(const ColorScale& scale, int room) {
  std::vector<double> ticks = niceTicks(scale.low, scale.high, std::clamp(room, 2, 7));
  if (ticks.size() < 2) ticks = {scale.low, scale.high};
  const QStringList texts = tickLabels(ticks);
  std::vector<std::pair<double, QString>> labels;
  for (size_t i = 0; i < ticks.size(); ++i) labels.emplace_back(ticks[i], texts[static_cast<qsizetype>(i)]);
  return labels;
}

}  // namespace

double ColorBar::barWidth(const ColorScale& scale, const QFont& font) {
  const QFontMetricsF metrics(font);
  double widest = metrics.horizontalAdvance(QStringLiteral("−0.00"));
  for (const auto& [value, text] : labelsOf(scale, 7)) widest = std::max(widest, metrics.horizontalAdvance(text));
  return kBarWidth + kGrid + std::ceil(widest);
}

void ColorBar::paintBar(QPainter& painter, const QRectF& area, const ColorScale& scale, const ThemeColors& colors,
                        const QFont& font) {
  painter.save();
  painter.setFont(font);
  const QFontMetricsF metrics(font);
  const double margin = std::max(kTip, metrics.height() / 2);
  const QRectF bar(area.left(), area.top() + margin, kBarWidth, area.height() - 2 * margin);
  if (bar.height() < 8) {
    painter.restore();
    return;
  }
  const ColorMap map(scale.map, colors.dark);
  painter.setRenderHint(QPainter::Antialiasing, false);
  QLinearGradient gradient(bar.bottomLeft(), bar.topLeft());
  for (int i = 0; i <= 32; ++i) gradient.setColorAt(i / 32.0, QColor(map.at(i / 32.0)));
  painter.fillRect(bar, gradient);
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(Qt::NoPen);
  if (scale.clipsHigh()) {
    painter.setBrush(QColor(map.at(1)));
    painter.drawPolygon(QPolygonF({bar.topLeft(), bar.topRight(), {bar.center().x(), bar.top() - kTip}}));
  }
  if (scale.clipsLow()) {
    painter.setBrush(QColor(map.at(0)));
    painter.drawPolygon(QPolygonF({bar.bottomLeft(), bar.bottomRight(), {bar.center().x(), bar.bottom() + kTip}}));
  }
  const int room = static_cast<int>(bar.height() / (metrics.height() * 1.6));
  for (const auto& [value, text] : labelsOf(scale, room)) {
    const double t = scale.high > scale.low ? (value - scale.low) / (scale.high - scale.low) : 0.5;
    const double y = bar.bottom() - t * bar.height();
    painter.setPen(QPen(colors.strongLine, 1));
    painter.drawLine(QPointF(bar.right(), y), QPointF(bar.right() + 3, y));
    painter.setPen(colors.secondaryText);
    painter.drawText(
        QRectF(bar.right() + kGrid - 2, y - metrics.height() / 2, area.right() - bar.right(), metrics.height()),
        Qt::AlignLeft | Qt::AlignVCenter | Qt::TextDontClip, text);
  }
  painter.restore();
}

ColorBar::ColorBar(QWidget* parent) : QWidget(parent), m_button(new QToolButton(this)) {
  setAccessibleName(tr("Colour scale"));
  m_button->setPopupMode(QToolButton::InstantPopup);
  m_button->setAutoRaise(true);
  m_button->setAccessibleName(tr("Range of the colours"));
  m_button->setToolTip(
      tr("Choose how many of the values the colours span; the rest, the outliers, take the end colours."));
  buildMenu();
  retheme();
  connect(&Theme::instance(), &Theme::changed, this, &ColorBar::retheme);
}

void ColorBar::retheme() {
  m_button->setFont(Theme::instance().secondaryFont());
  placeButton();
  updateGeometry();
  update();
}

void ColorBar::buildMenu() {
  auto* menu = new QMenu(m_button);
  menu->addSection(tr("Colours span"));
  auto* clips = new QActionGroup(menu);
  for (const Choice& choice : kChoices) {
    const QString text = choice.share == 1 ? tr("All values") : tr("%1 of the values").arg(QLatin1String(choice.text));
    QAction* action = menu->addAction(text);
    action->setCheckable(true);
    action->setData(choice.share);
    clips->addAction(action);
    m_clipActions << action;
    connect(action, &QAction::triggered, this, [this, share = choice.share] {
      setClip(share);
      Q_EMIT clipChosen(share);
    });
  }
  menu->addSection(tr("Colour map"));
  auto* maps = new QActionGroup(menu);
  for (const ColorMapKind kind : {ColorMapKind::Diverging, ColorMapKind::Viridis, ColorMapKind::Cividis}) {
    QAction* action =
        menu->addAction(kind == ColorMapKind::Diverging ? tr("Signed values: blue to red")
                                                        : tr("Magnitudes: %1").arg(toString(kind).toLower()));
    action->setCheckable(true);
    action->setData(static_cast<int>(kind));
    maps->addAction(action);
    m_mapActions << action;
    connect(action, &QAction::triggered, this, [this, kind] { Q_EMIT mapChosen(kind); });
  }
  m_button->setMenu(menu);
  markChoices();
}

void ColorBar::markChoices() {
  for (QAction* action : m_clipActions) action->setChecked(std::abs(action->data().toDouble() - m_clip) < 1e-9);
  for (QAction* action : m_mapActions) action->setChecked(action->data().toInt() == static_cast<int>(m_scale.map));
  m_button->setText(shortText(m_clip));
  placeButton();
}

void ColorBar::setScale(const ColorScale& scale) {
  m_scale = scale;
  setAccessibleDescription(tr("Colours run from %1 to %2; the values run from %3 to %4.")
                               .arg(formatNumber(scale.low), formatNumber(scale.high), formatNumber(scale.fullLow),
                                    formatNumber(scale.fullHigh)));
  setToolTip(accessibleDescription());
  markChoices();
  updateGeometry();
  update();
}

void ColorBar::setClip(double share) {
  if (share == m_clip) return;
  m_clip = share;
  markChoices();
}

void ColorBar::setInteractive(bool interactive) {
  m_interactive = interactive;
  m_button->setVisible(interactive);
  updateGeometry();
}

QSize ColorBar::sizeHint() const {
  const double width = barWidth(m_scale, Theme::instance().secondaryFont());
  const int button = m_interactive ? m_button->sizeHint().width() : 0;
  return {std::max(static_cast<int>(std::ceil(width)), button), 200};
}

QSize ColorBar::minimumSizeHint() const { return {sizeHint().width(), 80}; }

void ColorBar::resizeEvent(QResizeEvent*) { placeButton(); }

void ColorBar::placeButton() {
  const QSize size = m_button->sizeHint();
  m_button->setGeometry(0, height() - size.height(), size.width(), size.height());
}

void ColorBar::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  const double foot = m_interactive ? m_button->height() + kGrid / 2 : 0;
  paintBar(painter, QRectF(rect()).adjusted(2, 0, 0, -foot), m_scale, Theme::instance().colors(),
           Theme::instance().secondaryFont());
}

}  // namespace espalier

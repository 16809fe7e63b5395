#include "widgets/panels/icons.h"

#include <QIconEngine>
#include <QPainter>
#include <QSvgRenderer>

#include "widgets/theme/theme.h"

namespace espalier {

namespace {

// Drawings on a grid of 16 with strokes of 1.5.
const char* drawingOf(IconKind kind) {
  switch (kind) {
    case IconKind::Open:
      return "<path d='M1.8 12.8V3.2h4.4l1.6 1.9h6.4v7.7z'/>";
    case IconKind::Back:
      return "<path d='M9.8 3 4.8 8l5 5'/>";
    case IconKind::Forward:
      return "<path d='M6.2 3l5 5-5 5'/>";
    case IconKind::Run:
      return "<path d='M4.5 2.8v10.4L13 8z' fill='COLOR'/>";
    case IconKind::Stop:
      return "<path d='M4 4h8v8H4z' fill='COLOR'/>";
    case IconKind::Add:
      return "<path d='M8 3v10M3 8h10'/>";
    case IconKind::Up:
      return "<path d='M8 13V3.5M4 7.2l4-4 4 4'/>";
    case IconKind::Down:
      return "<path d='M8 3v9.5M4 8.8l4 4 4-4'/>";
    case IconKind::Duplicate:
      return "<path d='M5.8 5.8h7.4v7.4H5.8zM10.2 5.8V2.8H2.8v7.4h3'/>";
    case IconKind::Delete:
      return "<path d='M2.8 4.5h10.4M6.2 4.2V2.6h3.6v1.6M4.4 4.5l.6 8.9h6l.6-8.9M6.8 7v4M9.2 7v4'/>";
    case IconKind::Undo:
      return "<path d='M5.6 2.8 2.6 5.8l3 3M2.8 5.8h6.4a3.6 3.6 0 0 1 0 7.2H6'/>";
    case IconKind::Redo:
      return "<path d='M10.4 2.8l3 3-3 3M13.2 5.8H6.8a3.6 3.6 0 0 0 0 7.2H10'/>";
    case IconKind::More:
      return "<g fill='COLOR' stroke='none'><circle cx='3.5' cy='8' r='1.3'/><circle cx='8' cy='8' r='1.3'/>"
             "<circle cx='12.5' cy='8' r='1.3'/></g>";
    case IconKind::Warning:
      return "<path d='M8 2.5 14.2 13.2H1.8zM8 6.4v3.2M8 11.2v.4'/>";
  }
  return "";
}

class DrawnIcon : public QIconEngine {
 public:
  explicit DrawnIcon(IconKind kind) : m_kind(kind) {}

  void paint(QPainter* painter, const QRect& rect, QIcon::Mode mode, QIcon::State) override {
    const ThemeColors& colors = Theme::instance().colors();
    QColor color = mode == QIcon::Disabled ? colors.disabledText : colors.text;
    if (m_kind == IconKind::Warning) color = colors.error;
    QByteArray svg =
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><g fill='none' stroke='COLOR' "
        "stroke-width='1.5' stroke-linecap='round' stroke-linejoin='round'>";
    svg += drawingOf(m_kind);
    svg += "</g></svg>";
    svg.replace("COLOR", color.name().toLatin1());
    QSvgRenderer(svg).render(painter, rect);
  }

  QPixmap pixmap(const QSize& size, QIcon::Mode mode, QIcon::State state) override {
    QPixmap pixmap(size);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    paint(&painter, QRect(QPoint(0, 0), size), mode, state);
    return pixmap;
  }

  QIconEngine* clone() const override { return new DrawnIcon(m_kind); }

 private:
  IconKind m_kind;
};

}  // namespace

QIcon themedIcon(IconKind kind) { return QIcon(new DrawnIcon(kind)); }

}  // namespace espalier

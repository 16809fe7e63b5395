#include "widgets/charts/figure.h"

#include <QAction>
#include <QApplication>
#include <QBuffer>
#include <QClipboard>
#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QMenu>
#include <QMimeData>
#include <QPageLayout>
#include <QPageSize>
#include <QPdfWriter>
#include <QPointer>
#include <QRegularExpression>
#include <QSaveFile>
#include <QStandardPaths>
#include <QSvgGenerator>
#include <QThreadPool>
#include <QWidget>
#include <cmath>
#include <functional>

namespace espalier {
namespace {

constexpr double kMargin = 2 * kGrid;
constexpr int kPdfDotsPerPixel = 10;  // positions are whole dots

// Where the three parts of a picture lie.
struct Sheet {
  QSizeF size;
  QRectF title, drawing, conditions;
};

QRectF textBounds(const QFont& font, double width, const QString& text) {
  if (text.isEmpty()) return {};
  const QRectF room(0, 0, width, 10000);
  return QFontMetricsF(font).boundingRect(room, Qt::AlignLeft | Qt::TextWordWrap, text);
}

Sheet layOut(const Figure& figure) {
  const QSizeF drawing = figure.figureSize();
  const QFont titleFont = Theme::instance().titleFont(), smallFont = Theme::instance().secondaryFont();
  const double width = drawing.width();
  Sheet sheet;
  double y = kMargin;
  const double titleHeight = std::ceil(textBounds(titleFont, width, figure.figureTitle()).height());
  sheet.title = QRectF(kMargin, y, width, titleHeight);
  if (titleHeight > 0) y += titleHeight + kGrid;
  sheet.drawing = QRectF(QPointF(kMargin, y), drawing);
  y += drawing.height();
  const double conditionsHeight = std::ceil(textBounds(smallFont, width, figure.figureConditions()).height());
  if (conditionsHeight > 0) y += kGrid;
  sheet.conditions = QRectF(kMargin, y, width, conditionsHeight);
  sheet.size = QSizeF(width + 2 * kMargin, std::ceil(y + conditionsHeight + kMargin));
  return sheet;
}

void paintSheet(QPainter& painter, const Figure& figure, const Sheet& sheet) {
  const ThemeColors& colors = lightColors();
  painter.fillRect(QRectF(QPointF(), sheet.size), colors.surface);
  painter.setPen(colors.text);
  painter.setFont(Theme::instance().titleFont());
  painter.drawText(sheet.title, Qt::AlignLeft | Qt::TextWordWrap, figure.figureTitle());
  painter.save();
  painter.setFont(Theme::instance().bodyFont());
  figure.paintFigure(painter, sheet.drawing, colors);
  painter.restore();
  painter.setPen(colors.secondaryText);
  painter.setFont(Theme::instance().secondaryFont());
  painter.drawText(sheet.conditions, Qt::AlignLeft | Qt::TextWordWrap, figure.figureConditions());
}

QByteArray pngOf(const QImage& image) {
  QByteArray bytes;
  QBuffer buffer(&bytes);
  buffer.open(QIODevice::WriteOnly);
  image.save(&buffer, "PNG");
  return bytes;
}

bool writeFile(const QString& path, const QByteArray& bytes, QString* error) {
  QSaveFile file(path);
  if (file.open(QIODevice::WriteOnly) && file.write(bytes) == bytes.size() && file.commit()) return true;
  if (error != nullptr) {
    *error = FigureActions::tr("Cannot write %1: %2.").arg(QDir::toNativeSeparators(path), file.errorString());
  }
  return false;
}

QString fileNameFrom(const QString& title) {
  QString name = title.toLower();
  static const QRegularExpression kOther(QStringLiteral("[^a-z0-9.]+"));
  name.replace(kOther, QStringLiteral("-"));
  while (name.startsWith('-')) name.remove(0, 1);
  name.truncate(60);
  while (name.endsWith('-') || name.endsWith('.')) name.chop(1);
  return name.isEmpty() ? QStringLiteral("figure") : name;
}

}  // namespace

QImage renderImage(const Figure& figure, double scale) {
  const Sheet sheet = layOut(figure);
  QImage image((sheet.size * scale).toSize(), QImage::Format_ARGB32_Premultiplied);
  image.setDevicePixelRatio(scale);
  image.setText(QStringLiteral("Title"), figure.figureTitle());
  image.setText(QStringLiteral("Description"), figure.figureConditions());
  QPainter painter(&image);
  painter.setRenderHints(QPainter::Antialiasing | QPainter::TextAntialiasing);
  paintSheet(painter, figure, sheet);
  return image;
}

QByteArray renderSvg(const Figure& figure) {
  const Sheet sheet = layOut(figure);
  QBuffer buffer;
  buffer.open(QIODevice::WriteOnly);
  QSvgGenerator generator;
  generator.setOutputDevice(&buffer);
  generator.setSize(sheet.size.toSize());
  generator.setViewBox(QRectF(QPointF(), sheet.size));
  generator.setResolution(96);
  generator.setTitle(figure.figureTitle());
  generator.setDescription(figure.figureConditions());
  QPainter painter(&generator);
  paintSheet(painter, figure, sheet);
  painter.end();
  return buffer.data();
}

QByteArray renderPdf(const Figure& figure) {
  const Sheet sheet = layOut(figure);
  QBuffer buffer;
  buffer.open(QIODevice::WriteOnly);
  QPdfWriter writer(&buffer);
  writer.setTitle(figure.figureTitle());
  writer.setCreator(QStringLiteral("Espalier"));
  // A device independent pixel is 1/96 inch, a point 1/72.
  writer.setPageLayout(QPageLayout(QPageSize(sheet.size * 72 / 96, QPageSize::Point, {}, QPageSize::ExactMatch),
                                   QPageLayout::Portrait, QMarginsF()));
  writer.setResolution(96 * kPdfDotsPerPixel);
  QPainter painter(&writer);
  painter.scale(kPdfDotsPerPixel, kPdfDotsPerPixel);
  paintSheet(painter, figure, sheet);
  painter.end();
  return buffer.data();
}

QString csvLine(const QStringList& fields) {
  QStringList quoted;
  for (QString field : fields) {
    if (field.contains(',') || field.contains('"') || field.contains('\n') || field.contains('\r')) {
      field = '"' + field.replace('"', QStringLiteral("\"\"")) + '"';
    }
    quoted << field;
  }
  return quoted.join(',') + QStringLiteral("\r\n");
}

QString FigureActions::s_folder;

FigureActions::FigureActions(QWidget* widget, const Figure* figure)
    : QObject(widget), m_widget(widget), m_figure(figure) {
  const auto add = [&](const QString& text, const QString& tip, const QKeySequence& key, auto&& run) {
    auto* action = new QAction(text, widget);
    action->setToolTip(tip);
    action->setStatusTip(tip);
    action->setShortcut(key);
    action->setShortcutContext(Qt::WidgetWithChildrenShortcut);
    connect(action, &QAction::triggered, this, run);
    widget->addAction(action);
    m_actions << action;
  };
  add(tr("Copy picture"), tr("Copies this figure with its title and conditions as a picture."),
      QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_C), [this] { copyPicture(); });
  add(tr("Copy data"), tr("Copies the numbers behind this figure as CSV."), QKeySequence(), [this] { copyData(); });
  add(tr("Save as PNG…"), tr("Saves this figure at twice its size in pixels."),
      QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_E),
      [this] { askAndSave(QStringLiteral("png"), tr("Pictures (*.png)")); });
  add(tr("Save as SVG…"), tr("Saves this figure as a drawing that stays sharp at any size."),
      QKeySequence(Qt::CTRL | Qt::ALT | Qt::Key_E),
      [this] { askAndSave(QStringLiteral("svg"), tr("Drawings (*.svg)")); });
  add(tr("Save as PDF…"), tr("Saves this figure as a page that stays sharp in print."), QKeySequence(),
      [this] { askAndSave(QStringLiteral("pdf"), tr("Documents (*.pdf)")); });
  add(tr("Save data as CSV…"), tr("Saves the numbers behind this figure."), QKeySequence(),
      [this] { askAndSave(QStringLiteral("csv"), tr("Tables (*.csv)")); });
  widget->setContextMenuPolicy(Qt::ActionsContextMenu);
}

void FigureActions::addTo(QMenu* menu) const {
  for (QAction* action : m_actions) menu->addAction(action);
}

bool FigureActions::savePng(const QString& path, QString* error) const {
  return writeFile(path, pngOf(renderImage(*m_figure)), error);
}

bool FigureActions::saveSvg(const QString& path, QString* error) const {
  return writeFile(path, renderSvg(*m_figure), error);
}

bool FigureActions::savePdf(const QString& path, QString* error) const {
  return writeFile(path, renderPdf(*m_figure), error);
}

bool FigureActions::saveCsv(const QString& path, QString* error) const {
  return writeFile(path, m_figure->figureCsv().toUtf8(), error);
}

void FigureActions::copyPicture() const {
  auto* data = new QMimeData;
  data->setImageData(renderImage(*m_figure));
  data->setData(QStringLiteral("image/svg+xml"), renderSvg(*m_figure));
  QApplication::clipboard()->setMimeData(data);
}

void FigureActions::copyData() const {
  auto* data = new QMimeData;
  const QString csv = m_figure->figureCsv();
  data->setText(csv);
  data->setData(QStringLiteral("text/csv"), csv.toUtf8());
  QApplication::clipboard()->setMimeData(data);
}

// The picture is painted here, where the chart lives; packing and writing it may take as long as the disk likes.
void FigureActions::askAndSave(const QString& suffix, const QString& filter) {
  const QDir folder(s_folder.isEmpty() ? QStandardPaths::writableLocation(QStandardPaths::PicturesLocation) : s_folder);
  const QString proposed = folder.filePath(fileNameFrom(m_figure->figureTitle()) + '.' + suffix);
  QString path = QFileDialog::getSaveFileName(m_widget, tr("Save figure"), proposed, filter);
  if (path.isEmpty()) return;
  if (QFileInfo(path).suffix().isEmpty()) path += '.' + suffix;
  s_folder = QFileInfo(path).absolutePath();
  std::function<QByteArray()> pack;
  if (suffix == QLatin1String("png")) {
    pack = [image = renderImage(*m_figure)] { return pngOf(image); };
  } else {
    pack = [bytes = suffix == QLatin1String("svg")   ? renderSvg(*m_figure)
                    : suffix == QLatin1String("pdf") ? renderPdf(*m_figure)
                                                     : m_figure->figureCsv().toUtf8()] { return bytes; };
  }
  QThreadPool::globalInstance()->start([guard = QPointer<FigureActions>(this), path, pack = std::move(pack)] {
    QString error;
    const bool saved = writeFile(path, pack(), &error);
    QCoreApplication* application = QCoreApplication::instance();
    if (application == nullptr) return;
    const auto report = [guard, path, saved, error] {
      if (!guard) return;
      Q_EMIT guard->reported(saved ? tr("Saved %1.").arg(QDir::toNativeSeparators(path)) : error, !saved);
    };
    QMetaObject::invokeMethod(application, report, Qt::QueuedConnection);
  });
}

}  // namespace espalier

#include "widgets/panels/jobs_panel.h"

#include <QAction>
#include <QApplication>
#include <QHeaderView>
#include <QLabel>
#include <QPainter>
#include <QPlainTextEdit>
#include <QSplitter>
#include <QStyledItemDelegate>
#include <QTabWidget>
#include <QTableView>
#include <QToolButton>
#include <QVBoxLayout>

#include "widgets/charts/loss_curve.h"
#include "widgets/models/jobs_model.h"
#include "widgets/panels/calm_views.h"
#include "widgets/panels/icons.h"
#include "widgets/theme/theme.h"

namespace espalier {

namespace {

// On the scale of a loss it is a line at zero.
const QLatin1String kLearningRate("learning_rate");

// A thin bar with the percentage beside it.
class ProgressDelegate : public QStyledItemDelegate {
 public:
  using QStyledItemDelegate::QStyledItemDelegate;

  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override {
    QStyleOptionViewItem item = option;
    initStyleOption(&item, index);
    const QString text = item.text;
    item.text.clear();
    QApplication::style()->drawControl(QStyle::CE_ItemViewItem, &item, painter, item.widget);
    const ThemeColors& colors = Theme::instance().colors();
    const int textWidth = option.fontMetrics.horizontalAdvance(QStringLiteral("100 %")) + kGrid;
    QRectF bar = option.rect.adjusted(kGrid / 2, 0, -textWidth - kGrid / 2, 0);
    bar = QRectF(bar.left(), bar.center().y() - 3, bar.width(), 6);
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    painter->setPen(Qt::NoPen);
    painter->setBrush(colors.line);
    painter->drawRoundedRect(bar, 3, 3);
    const double fraction = qBound(0.0, index.data(JobsModel::FractionRole).toDouble(), 1.0);
    if (fraction > 0) {
      painter->setBrush(colors.accent);
      painter->drawRoundedRect(QRectF(bar.left(), bar.top(), std::max(6.0, bar.width() * fraction), bar.height()), 3,
                               3);
    }
    painter->setPen(colors.text);
    painter->drawText(option.rect.adjusted(0, 0, -kGrid / 2, 0), Qt::AlignRight | Qt::AlignVCenter, text);
    painter->restore();
  }
};

}  // namespace

JobsPanel::JobsPanel(JobCenter* center, QWidget* parent) : QWidget(parent), m_center(center) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  auto* splitter = new QSplitter(this);
  splitter->setChildrenCollapsible(false);
  layout->addWidget(splitter);

  auto* left = new QWidget(splitter);
  auto* leftLayout = new QHBoxLayout(left);
  leftLayout->setContentsMargins(0, 0, 0, 0);
  leftLayout->setSpacing(0);
  m_model = new JobsModel(center, this);
  m_view = new QTableView(left);
  m_view->setModel(m_model);
  m_view->setItemDelegateForColumn(JobsModel::ProgressColumn, new ProgressDelegate(m_view));
  m_view->setFrameShape(QFrame::NoFrame);
  useCalmSelection(m_view);
  m_view->setShowGrid(false);
  m_view->setSelectionBehavior(QAbstractItemView::SelectRows);
  m_view->setSelectionMode(QAbstractItemView::SingleSelection);
  m_view->setAccessibleName(tr("Jobs"));
  m_view->setTabKeyNavigation(false);
  m_view->verticalHeader()->hide();
  m_view->verticalHeader()->setDefaultSectionSize(3 * kGrid);
  QHeaderView* header = m_view->horizontalHeader();
  header->setHighlightSections(false);
  header->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
  header->setSectionResizeMode(JobsModel::TitleColumn, QHeaderView::Stretch);
  m_view->setColumnWidth(JobsModel::StateColumn, 20 * kGrid);
  m_view->setColumnWidth(JobsModel::ProgressColumn, 18 * kGrid);
  m_view->setColumnWidth(JobsModel::RateColumn, 15 * kGrid);
  m_view->setColumnWidth(JobsModel::LeftColumn, 7 * kGrid);
  leftLayout->addWidget(m_view, 1);
  auto* noJobs = new QLabel(tr("No jobs yet. Run starts the recipe; some pages start their own."), m_view->viewport());
  noJobs->setAlignment(Qt::AlignCenter);
  noJobs->setWordWrap(true);
  noJobs->setForegroundRole(QPalette::PlaceholderText);
  auto* middle = new QVBoxLayout(m_view->viewport());
  middle->addWidget(noJobs);
  const auto showHint = [this, noJobs] { noJobs->setVisible(m_model->rowCount() == 0); };
  for (const auto signal : {&QAbstractItemModel::rowsInserted, &QAbstractItemModel::rowsRemoved}) {
    connect(m_model, signal, noJobs, showHint);
  }
  connect(m_model, &QAbstractItemModel::modelReset, noJobs, showHint);
  showHint();

  auto* buttons = new QVBoxLayout;
  buttons->setContentsMargins(kGrid / 2, kGrid / 2, kGrid / 2, kGrid / 2);
  m_cancel = new QAction(themedIcon(IconKind::Stop), tr("Cancel job"), this);
  m_clear = new QAction(themedIcon(IconKind::Delete), tr("Clear ended jobs"), this);
  for (QAction* action : {m_cancel, m_clear}) {
    auto* button = new QToolButton(left);
    button->setDefaultAction(action);
    button->setAutoRaise(true);
    button->setAccessibleName(action->text());
    buttons->addWidget(button);
  }
  buttons->addStretch();
  leftLayout->addLayout(buttons);

  m_detail = new QTabWidget(splitter);
  m_detail->setDocumentMode(true);
  m_detail->setAccessibleName(tr("Details of the job"));
  m_curve = new LossCurve(m_detail);
  m_curve->setTitle(tr("Training"));
  m_curve->setAxisNames(tr("step"), tr("loss"));
  m_curve->setEmptyText(tr("A curve appears here while a job trains."));
  m_log = new QPlainTextEdit(m_detail);
  m_log->setReadOnly(true);
  m_log->setFrameShape(QFrame::NoFrame);
  m_log->setMaximumBlockCount(2000);
  m_log->setLineWrapMode(QPlainTextEdit::NoWrap);
  m_log->setPlaceholderText(tr("What the chosen job reports appears here."));
  m_log->setAccessibleName(tr("Log of the job"));
  m_detail->addTab(m_curve, tr("Curve"));
  m_detail->addTab(m_log, tr("Log"));
  splitter->addWidget(left);
  splitter->addWidget(m_detail);
  splitter->setStretchFactor(0, 3);
  splitter->setStretchFactor(1, 2);

  connect(m_cancel, &QAction::triggered, this, [this] { m_center->cancel(currentJob()); });
  connect(m_clear, &QAction::triggered, m_center, &JobCenter::clearEnded);
  connect(m_view->selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this] {
    showJob();
    updateActions();
  });
  connect(m_center, &JobCenter::jobAdded, this, [this](int row) { m_view->selectRow(row); });
  connect(m_center, &JobCenter::jobChanged, this, &JobsPanel::updateActions);
  connect(m_center, &JobCenter::jobsReset, this, [this] {
    if (m_model->rowCount() > 0) m_view->selectRow(m_model->rowCount() - 1);
    showJob();
    updateActions();
  });
  connect(m_center, &JobCenter::metricAdded, this, [this](quint64 id, const QString& series, double x, double y) {
    if (id == m_shown && series != kLearningRate) m_curve->addPoint(series, x, y);
  });
  connect(m_center, &JobCenter::logAdded, this, [this](quint64 id, const QString& line) {
    if (id == m_shown) m_log->appendPlainText(line);
  });
  connect(&Theme::instance(), &Theme::changed, this, [this] { m_log->setFont(Theme::instance().monospaceFont()); });
  m_log->setFont(Theme::instance().monospaceFont());
  updateActions();
}

quint64 JobsPanel::currentJob() const {
  return m_view->currentIndex().isValid() ? m_view->currentIndex().data(JobsModel::JobRole).toULongLong() : 0;
}

void JobsPanel::showJob() {
  const quint64 id = currentJob();
  if (id == m_shown) return;
  m_shown = id;
  m_log->clear();
  m_curve->clear();
  const JobEntry* job = m_center->find(id);
  if (!job) return;
  m_log->setPlainText(job->log.join(QLatin1Char('\n')));
  for (const JobEntry::Point& point : job->metrics) {
    if (point.series != kLearningRate) m_curve->addPoint(point.series, point.x, point.y);
  }
}

void JobsPanel::updateActions() {
  const JobEntry* job = m_center->find(currentJob());
  const bool active = job && (job->state == JobState::Queued || job->state == JobState::Running);
  m_cancel->setEnabled(active && !job->cancelling);
  m_cancel->setToolTip(!job              ? tr("No job is chosen.")
                       : !active         ? tr("This job has ended.")
                       : job->cancelling ? tr("The job has been asked to stop.")
                                         : tr("Stops the chosen job; finished steps stay."));
  bool ended = false;
  for (int row = 0; row < m_center->count(); ++row) {
    const JobState state = m_center->at(row).state;
    ended |= state != JobState::Queued && state != JobState::Running;
  }
  m_clear->setEnabled(ended);
  m_clear->setToolTip(ended ? tr("Takes the jobs that have ended off the list.") : tr("No job has ended yet."));
}

}  // namespace espalier

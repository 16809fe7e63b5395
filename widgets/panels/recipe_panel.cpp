#include "widgets/panels/recipe_panel.h"

#include <QAction>
#include <QLabel>
#include <QLineEdit>
#include <QListView>
#include <QMenu>
#include <QStackedLayout>
#include <QStyleOptionViewItem>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>

#include "base/json.h"
#include "widgets/forms/scope_form.h"
#include "widgets/forms/setting_form.h"
#include "widgets/models/method_catalog.h"
#include "widgets/models/recipe_checker.h"
#include "widgets/models/recipe_document.h"
#include "widgets/models/recipe_steps_model.h"
#include "widgets/models/selection.h"
#include "widgets/panels/calm_views.h"
#include "widgets/panels/estimate_view.h"
#include "widgets/panels/icons.h"
#include "widgets/panels/step_delegate.h"
#include "widgets/theme/theme.h"

namespace espalier {

namespace {

constexpr int kFewestRows = 2;
constexpr int kMostRows = 5;

QFrame* hairline(QWidget* parent) {
  auto* line = new QFrame(parent);
  line->setFrameShape(QFrame::HLine);
  line->setFrameShadow(QFrame::Plain);
  line->setForegroundRole(QPalette::Mid);
  return line;
}

}  // namespace

RecipePanel::RecipePanel(RecipeDocument* document, MethodCatalog* catalog, RecipeChecker* checker, Selection* selection,
                         QWidget* parent)
    : QWidget(parent), m_document(document), m_catalog(catalog), m_checker(checker), m_selection(selection) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, kGrid, 0, 0);
  layout->setSpacing(kGrid / 2);

  auto* head = new QHBoxLayout;
  head->setContentsMargins(kGrid, 0, kGrid, 0);
  m_name = new QLineEdit(this);
  m_name->setPlaceholderText(tr("Name of the recipe"));
  m_name->setAccessibleName(tr("Name of the recipe"));
  head->addWidget(m_name);
  layout->addLayout(head);

  m_model = new RecipeStepsModel(document, catalog, this);
  auto* list = new QWidget(this);
  auto* listLayout = new QStackedLayout(list);
  listLayout->setStackingMode(QStackedLayout::StackAll);
  m_noSteps = new QLabel(tr("The recipe has no steps yet."), list);
  m_noSteps->setAlignment(Qt::AlignCenter);
  m_noSteps->setWordWrap(true);
  m_noSteps->setAttribute(Qt::WA_TransparentForMouseEvents);
  m_view = new QListView(list);
  m_view->setModel(m_model);
  m_view->setItemDelegate(new StepDelegate(m_view));
  m_view->setFrameShape(QFrame::NoFrame);
  useCalmSelection(m_view);
  m_view->setDragDropMode(QAbstractItemView::InternalMove);
  m_view->setDefaultDropAction(Qt::MoveAction);
  m_view->setDropIndicatorShown(true);
  m_view->setAccessibleName(tr("Steps of the recipe"));
  m_view->setContextMenuPolicy(Qt::ActionsContextMenu);
  listLayout->addWidget(m_noSteps);
  listLayout->addWidget(m_view);
  m_list = list;
  layout->addWidget(list);

  buildActions();
  auto* buttons = new QHBoxLayout;
  buttons->setContentsMargins(kGrid, 0, kGrid, 0);
  buttons->setSpacing(2);
  m_addMenu = new QMenu(this);
  m_add = new QToolButton(this);
  m_add->setText(tr("Add step"));
  m_add->setIcon(themedIcon(IconKind::Add));
  m_add->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  m_add->setPopupMode(QToolButton::InstantPopup);
  m_add->setMenu(m_addMenu);
  buttons->addWidget(m_add);
  buttons->addStretch();
  for (QAction* action : {m_up, m_down, m_duplicate, m_delete}) {
    auto* button = new QToolButton(this);
    button->setDefaultAction(action);
    button->setAutoRaise(true);
    button->setAccessibleName(action->text());
    buttons->addWidget(button);
    m_view->addAction(action);
  }
  layout->addLayout(buttons);
  layout->addWidget(hairline(this));

  auto* scroll = new ColumnScrollArea(this);
  scroll->setAccessibleName(tr("Settings of the step"));
  m_formBox = new QWidget(scroll);
  auto* formLayout = new QVBoxLayout(m_formBox);
  formLayout->setContentsMargins(kGrid, kGrid / 2, kGrid, kGrid);
  formLayout->setSpacing(kGrid);
  m_formTitle = new QLabel(m_formBox);
  m_formTitle->setWordWrap(true);
  m_formSummary = new QLabel(m_formBox);
  m_formSummary->setWordWrap(true);
  m_form = new SettingForm(m_formBox);
  m_scopeToggle = new QToolButton(m_formBox);
  m_scopeToggle->setAutoRaise(true);
  m_scopeToggle->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  m_scopeToggle->setToolTip(tr("Which layers, parts and weights this step may touch."));
  m_scope = new ScopeForm(m_formBox);
  formLayout->addWidget(m_formTitle);
  formLayout->addWidget(m_formSummary);
  formLayout->addWidget(m_form);
  formLayout->addWidget(m_scopeToggle);
  formLayout->addWidget(m_scope);
  formLayout->addStretch();
  scroll->setWidget(m_formBox);
  layout->addWidget(scroll, 1);

  layout->addWidget(hairline(this));
  m_estimate = new EstimateView(checker, this);
  layout->addWidget(m_estimate);

  connect(m_name, &QLineEdit::textEdited, m_document, &RecipeDocument::setName);
  connect(m_document, &RecipeDocument::changed, this, [this] {
    const QString name = QString::fromStdString(m_document->recipe().name);
    if (m_name->text() != name) m_name->setText(name);
    showStep();
    updateActions();
  });
  connect(m_document, &RecipeDocument::stepTouched, this, &RecipePanel::setCurrentStep);
  connect(m_view->selectionModel(), &QItemSelectionModel::currentChanged, this, [this] {
    showStep();
    updateActions();
  });
  connect(m_catalog, &MethodCatalog::changed, this, [this] {
    rebuildAddMenu();
    m_shownMethod.clear();
    showStep();
  });
  connect(m_checker, &RecipeChecker::changed, this, &RecipePanel::updateIssues);
  connect(m_form, &SettingForm::edited, this, [this](const std::string& key, const Json& value) {
    const int row = currentStep();
    if (row >= 0) m_document->setSetting(row, key, value);
  });
  connect(m_form, &SettingForm::resetAsked, this, [this](const std::string& key) {
    if (currentStep() >= 0) m_document->clearSetting(currentStep(), key);
  });
  connect(m_scope, &ScopeForm::edited, this, [this](const Scope& scope) {
    if (currentStep() >= 0) m_document->setScope(currentStep(), scope);
  });
  connect(m_scopeToggle, &QToolButton::clicked, this, [this] {
    m_scopeOpened = !m_scopeOpened;
    showStep();
  });
  connect(m_selection, &Selection::changed, this,
          [this](const SelectionState& now) { m_scope->setSelection(now.layer, now.slot); });
  connect(&Theme::instance(), &Theme::changed, this, &RecipePanel::showStep);

  rebuildAddMenu();
  if (m_document->numSteps() > 0) setCurrentStep(0);
  showStep();
  updateActions();
}

void RecipePanel::buildActions() {
  const auto make = [this](IconKind icon, const QString& text, const QKeySequence& key) {
    auto* action = new QAction(themedIcon(icon), text, this);
    action->setShortcut(key);
    action->setShortcutContext(Qt::WidgetWithChildrenShortcut);
    return action;
  };
  m_up = make(IconKind::Up, tr("Move step up"), QKeySequence(Qt::ALT | Qt::Key_Up));
  m_down = make(IconKind::Down, tr("Move step down"), QKeySequence(Qt::ALT | Qt::Key_Down));
  m_duplicate = make(IconKind::Duplicate, tr("Duplicate step"), QKeySequence(Qt::CTRL | Qt::Key_D));
  m_delete = make(IconKind::Delete, tr("Delete step"), QKeySequence(Qt::Key_Delete));
  connect(m_up, &QAction::triggered, this, [this] { m_document->moveStep(currentStep(), currentStep() - 1); });
  connect(m_down, &QAction::triggered, this, [this] { m_document->moveStep(currentStep(), currentStep() + 1); });
  connect(m_duplicate, &QAction::triggered, this, [this] { m_document->duplicateStep(currentStep()); });
  connect(m_delete, &QAction::triggered, this, [this] { m_document->removeStep(currentStep()); });
}

int RecipePanel::currentStep() const {
  const int row = m_view->currentIndex().row();
  return row < m_document->numSteps() ? row : -1;
}

void RecipePanel::setCurrentStep(int row) {
  m_view->setCurrentIndex(m_model->index(row));
  if (m_view->currentIndex().isValid()) m_view->scrollTo(m_view->currentIndex());
}

void RecipePanel::rebuildAddMenu() {
  m_addMenu->clear();
  const MethodCatalog::State state = m_catalog->state();
  const bool ready = state == MethodCatalog::State::Ready;
  m_add->setToolTip(ready ? tr("Appends a step to the recipe.")
                    : state == MethodCatalog::State::Failed
                        ? tr("The list of methods could not be read: %1").arg(m_catalog->failure())
                        : tr("The list of methods is being read."));
  if (state == MethodCatalog::State::Failed) {
    connect(m_addMenu->addAction(tr("Read the list of methods again")), &QAction::triggered, this,
            &RecipePanel::catalogRetryAsked);
    return;
  }
  if (!ready) {
    m_addMenu->addAction(tr("Reading the list of methods …"))->setEnabled(false);
    return;
  }
  m_addMenu->setToolTipsVisible(true);
  for (const QString& family : m_catalog->families()) {
    m_addMenu->addSection(familyTitle(family));
    for (const MethodEntry& entry : m_catalog->entries()) {
      if (entry.family != family) continue;
      QAction* action = m_addMenu->addAction(entry.title.isEmpty() ? entry.id : entry.title);
      action->setToolTip(entry.summary);
      action->setData(entry.id);
      connect(action, &QAction::triggered, this, [this, id = entry.id] { m_document->addStep(id); });
    }
  }
}

void RecipePanel::setAnswer(QWidget* widget) {
  auto* column = qobject_cast<QVBoxLayout*>(layout());
  column->insertWidget(column->indexOf(m_estimate), widget);
}

void RecipePanel::showStep() {
  m_noSteps->setVisible(m_document->numSteps() == 0);
  // The list is as tall as its steps, within reason: what is left belongs to the form.
  const int rows = std::clamp(m_document->numSteps(), kFewestRows, kMostRows);
  QStyleOptionViewItem option;
  option.font = m_view->font();
  m_list->setFixedHeight(rows * m_view->itemDelegate()->sizeHint(option, {}).height() + 2);
  const ThemeColors& colors = Theme::instance().colors();
  QFont strong = Theme::instance().bodyFont();
  strong.setWeight(QFont::DemiBold);
  m_formTitle->setFont(strong);
  m_formSummary->setFont(Theme::instance().secondaryFont());
  m_formSummary->setStyleSheet(QStringLiteral("color: %1;").arg(colors.secondaryText.name()));
  m_noSteps->setStyleSheet(QStringLiteral("color: %1;").arg(colors.secondaryText.name()));

  const int row = currentStep();
  Q_EMIT stepShown(row);
  const bool any = row >= 0;
  m_form->setVisible(any);
  m_scopeToggle->setVisible(any);
  m_scope->setVisible(any && m_scopeOpened);
  m_formTitle->setVisible(any);
  if (!any) {
    m_shownMethod.clear();
    m_formSummary->setText(m_document->numSteps() == 0
                               ? tr("Add a step, open a recipe, or click heads, units or layers on the Heads page.")
                               : tr("Choose a step to see its settings."));
    return;
  }
  const Step& step = m_document->recipe().steps[static_cast<size_t>(row)];
  const QString id = QString::fromStdString(step.method);
  const MethodEntry* entry = m_catalog->find(id);
  if (id != m_shownMethod) {
    m_shownMethod = id;
    m_form->setSchema(entry ? entry->settings : std::vector<Setting>{});
    m_formTitle->setText(entry && !entry->title.isEmpty() ? entry->title : id);
    m_formSummary->setText(entry ? entry->summary : tr("The settings show once the list of methods has been read."));
    m_formTitle->setToolTip(entry ? entry->paper : QString());
    Q_EMIT methodShown(id);
  }
  m_form->setValues(step.settings);
  m_scope->setScope(step.scope);
  m_scopeToggle->setArrowType(m_scopeOpened ? Qt::DownArrow : Qt::RightArrow);
  m_scopeToggle->setText(step.scope.empty() ? tr("Scope: the whole model") : tr("Scope: restricted"));
  updateIssues();
}

void RecipePanel::updateActions() {
  const int row = currentStep();
  const auto set = [](QAction* action, bool enabled, const QString& does, const QString& whyNot) {
    action->setEnabled(enabled);
    action->setToolTip(enabled ? QStringLiteral("%1 (%2).").arg(does, action->shortcut().toString()) : whyNot);
  };
  const QString none = tr("No step is chosen.");
  set(m_up, row > 0, tr("Moves the step up"), row < 0 ? none : tr("This is the first step already."));
  set(m_down, row >= 0 && row + 1 < m_document->numSteps(), tr("Moves the step down"),
      row < 0 ? none : tr("This is the last step already."));
  set(m_duplicate, row >= 0, tr("Puts a copy after the step"), none);
  set(m_delete, row >= 0, tr("Deletes the step"), none);
}

void RecipePanel::updateIssues() {
  m_model->setIssueCounts(m_checker->issueCounts());
  if (currentStep() >= 0) m_form->setIssues(m_checker->issues(currentStep()));
}

}  // namespace espalier

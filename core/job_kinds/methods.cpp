#include "compress/method.h"
#include "job_kinds/kinds.h"

namespace espalier {

Json methods_job(const JobSpec&, JobContext&) {
  Json all = Json::array();
  for (const std::unique_ptr<Method>& method : methods()) {
    const MethodInfo& info = method->info();
    Json settings = Json::array();
    for (const Setting& setting : method->settings()) settings.push_back(to_json(setting));
    all.push_back({{"id", info.id},
                   {"title", info.title},
                   {"family", info.family},
                   {"anchors", info.anchors},
                   {"paper", info.paper},
                   {"summary", info.summary},
                   {"hosts", info.hosts},
                   {"page", info.page},
                   {"settings", settings},
                   {"needs", to_json(method->needs(Settings(method->settings(), Json::object())))}});
  }
  return {{"methods", all}};
}

}  // namespace espalier

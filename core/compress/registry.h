#pragma once
#include <functional>
#include <memory>

#include "compress/method.h"

namespace espalier {

// Called once by methods(): adds every built-in method with the text of its page. The definition is generated.
using AddMethod = std::function<void(std::unique_ptr<Method> method, const char* page)>;
void add_builtin_methods(const AddMethod& add);

}  // namespace espalier

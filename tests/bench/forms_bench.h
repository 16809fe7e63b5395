#pragma once

namespace espalier::bench {

// Registers the products and short models by every form of weight, each against the dense or 8-bit one it replaces.
void add_forms();

}  // namespace espalier::bench

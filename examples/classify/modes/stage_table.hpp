// What each stage of a model costs.
#pragma once

#include <cvt/shape.hpp>
#include <string>

namespace app {

/// A line for each stage and one for the head: sizes, parameters, 10^9 multiply-adds, and float32 memory of the weights and of the
/// tokens that the stage hands on. `shape` is c's at some input size.
std::string stage_table(const cvt::config& c, const cvt::model_shape& shape);

}  // namespace app

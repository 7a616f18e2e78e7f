// stage_table: the costs of each stage of a model, for --info.
#pragma once

#include <cvt/shape.hpp>
#include <string>

namespace app {

/// Returns a line per stage and one for the head: sizes, parameters, 10^9 multiply-adds, and float32 memory of the weights and of the
/// stage's output tokens. `shape`: of `c` at some size of the input.
std::string stage_table(const cvt::config& c, const cvt::model_shape& shape);

}  // namespace app

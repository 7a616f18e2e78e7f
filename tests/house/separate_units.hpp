// What the unit that only runs models offers to the one that loads them.
#pragma once

#include <cvt/model.hpp>

/// The largest of the model's logits for a formula image; negative infinity where a call fails.
float largest_logit(const cvt::model& m);

// Recipes: labels and probabilities for your own classes.
#include "recipes.hpp"

// recipe: labels
std::vector<std::string> best_three(std::span<const float> logits, std::span<const std::string> names) {
    std::vector<std::string> best;
    for (const cvt::ranked r : cvt::top_k<3>(logits)) best.push_back(names[static_cast<std::size_t>(r.index)]);
    return best;
}
// end

// recipe: some classes
std::vector<float> probabilities_among(std::span<const float> logits, std::span<const int> classes) {
    std::vector<float> chosen;
    for (const int index : classes) chosen.push_back(logits[static_cast<std::size_t>(index)]);
    cvt::softmax(chosen, chosen);  // in place: they sum to 1 among themselves
    return chosen;
}
// end

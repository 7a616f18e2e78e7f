// markdown.hpp: the only source of the test that instantiates std::regex, which takes seconds.
#include "markdown.hpp"

#include <regex>

namespace cvt_test {

std::vector<std::string> matches(const std::string& text, const char* pattern) {
    const std::regex regex{pattern};
    std::vector<std::string> found;
    for (std::sregex_iterator i{text.begin(), text.end(), regex}, end; i != end; ++i) found.push_back((*i)[1]);
    return found;
}

}  // namespace cvt_test

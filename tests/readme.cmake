# cmake -P readme.cmake: fails unless the README's C++ is examples/minimal.cpp, letter for letter.
file(READ ${CMAKE_CURRENT_LIST_DIR}/../README.md readme)
file(READ ${CMAKE_CURRENT_LIST_DIR}/../examples/minimal.cpp minimal)
string(FIND "${readme}" "```cpp\n${minimal}```\n" at)
if(at EQUAL -1)
  message(FATAL_ERROR "README.md does not show examples/minimal.cpp as it is")
endif()

# cmake -P links.cmake: fails when a page in docs/ links to a file of the repository that is not there.
cmake_minimum_required(VERSION 3.21)
get_filename_component(docs ${CMAKE_CURRENT_LIST_DIR}/../../docs ABSOLUTE)
file(GLOB pages ${docs}/*.md)
foreach(page ${pages})
  file(READ ${page} text)
  string(REGEX REPLACE "```[^`]*```" "" text "${text}") # code has lambdas
  string(REPLACE "](" "@link(" text "${text}") # brackets keep CMake's lists from being split
  string(REGEX REPLACE "[][;]" " " text "${text}")
  string(REGEX MATCHALL "@link\\([^)# ]+" links "${text}")
  foreach(link ${links})
    string(REPLACE "@link(" "" link "${link}")
    if(NOT link MATCHES "^https?:" AND NOT EXISTS ${docs}/${link})
      message(SEND_ERROR "${page} links to ${link}, which is not there")
    endif()
  endforeach()
endforeach()

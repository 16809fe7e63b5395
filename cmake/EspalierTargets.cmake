# Helpers that own the repetition of a target's declaration.

add_library(espalier_flags INTERFACE)
target_compile_options(espalier_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Werror)
target_include_directories(espalier_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/core)
if(ESPALIER_SANITIZE)
  target_compile_options(espalier_flags INTERFACE -fsanitize=address,undefined -fno-omit-frame-pointer
                                                  -fno-sanitize-recover=undefined)
  target_link_options(espalier_flags INTERFACE -fsanitize=address,undefined)
endif()
if(ESPALIER_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "ESPALIER_FUZZ needs clang: libFuzzer is a part of it (CXX=clang++)")
  endif()
  target_compile_options(espalier_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# espalier_add_library(NAME SOURCES ... [DEPENDS rooms ...] [LIBRARIES public ...] [PRIVATE_LIBRARIES ...] [TORCH])
# Makes the target espalier_NAME. DEPENDS are rooms below this one, without their prefix. TORCH links libtorch
# privately and reuses the one torch precompiled header.
function(espalier_add_library name)
  cmake_parse_arguments(arg "TORCH" "" "SOURCES;DEPENDS;LIBRARIES;PRIVATE_LIBRARIES" ${ARGN})
  add_library(espalier_${name} STATIC ${arg_SOURCES})
  list(TRANSFORM arg_DEPENDS PREPEND espalier_)
  target_link_libraries(espalier_${name} PUBLIC espalier_flags ${arg_DEPENDS} ${arg_LIBRARIES}
                                         PRIVATE ${arg_PRIVATE_LIBRARIES})
  if(arg_TORCH)
    espalier_use_torch(espalier_${name})
  endif()
endfunction()

# Links libtorch and reuses its precompiled header.
function(espalier_use_torch target)
  target_link_libraries(${target} PRIVATE espalier_torch)
  if(NOT target STREQUAL "espalier_torch_pch")
    target_precompile_headers(${target} REUSE_FROM espalier_torch_pch)
  endif()
endfunction()

# espalier_add_test(NAME SOURCES ... DEPENDS rooms ... [LIBRARIES ...] [TORCH] [LABELS ...] [TIMEOUT seconds])
# One test program of GoogleTest cases; every case is its own ctest entry. LABELS: slow, gui, real (needs real data).
function(espalier_add_test name)
  if(NOT ESPALIER_TESTS)
    return()
  endif()
  cmake_parse_arguments(arg "TORCH;NO_MAIN" "TIMEOUT" "SOURCES;DEPENDS;LIBRARIES;LABELS" ${ARGN})
  add_executable(test_${name} ${arg_SOURCES})
  list(TRANSFORM arg_DEPENDS PREPEND espalier_)
  target_link_libraries(test_${name} PRIVATE espalier_flags espalier_test_support ${arg_DEPENDS} ${arg_LIBRARIES}
                                             GTest::gtest)
  if(NOT arg_NO_MAIN)
    target_link_libraries(test_${name} PRIVATE espalier_test_main)
  endif()
  if(arg_TORCH)
    espalier_use_torch(test_${name})
  endif()
  set_target_properties(test_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  # One ctest entry a program: a start of libtorch costs half a second, so an entry a case would triple the run.
  add_test(NAME ${name} COMMAND test_${name} --gtest_brief=1)
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT}
    ENVIRONMENT "QT_QPA_PLATFORM=offscreen;OMP_WAIT_POLICY=passive;OPENBLAS_CORETYPE=SKYLAKEX")
endfunction()

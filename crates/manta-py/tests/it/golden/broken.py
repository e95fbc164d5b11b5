def before():
    return 1


def broken(a, b:
    return a +


@tool
def after(x):
    return x

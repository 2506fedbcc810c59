def search(*a):
    raise NotImplementedError
